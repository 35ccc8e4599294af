"""Which payments a caller of the API may see: those of their booking, or of the merchants they work for."""

from django.db.models import QuerySet
from rest_framework.request import Request

from bookings.api.access import booking_of, customer_of
from customers import access
from payments.models import Payment

VIEW_PAYMENT = "payments.view_payment"


def visible(request: Request) -> QuerySet[Payment]:
    """Scoped, with what the serializer shows; the receipt's PDF stays in the database."""
    payments = Payment.objects.select_related("booking", "receipt").defer("receipt__pdf")
    booking = booking_of(request)
    if booking is not None:
        return payments.filter(booking=booking)
    if (customer := customer_of(request)) is not None:
        return payments.filter(booking__customer=customer)
    return access.scope(payments, user=request.user, permission=VIEW_PAYMENT)
