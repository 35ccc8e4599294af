"""Using credit on a booking: only by its signed-in customer, only by POST, only what the page showed."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from bookings.models import Booking
from core.money import format_minor
from customers import sessions
from payments import errors, page_credit, self_service
from payments.views import of_visitor


@require_POST
@of_visitor
def use(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """Pay what is due next from credit. A second click finds the credit used, or the part paid."""
    pay_href = reverse("payments:pay", kwargs={"code": found.code})
    customer = sessions.current_customer(request, merchant=found.merchant)
    if customer is None or customer.pk != found.customer_id:
        return redirect(f"{reverse('customers:sign-in')}?{urlencode({'next': pay_href})}")
    offer = page_credit.offer(found, customer=customer)
    wanted = (request.POST.get("purpose", ""), request.POST.get("shown", ""))
    if offer is None or wanted != (offer.purpose, str(offer.use_minor)):
        return redirect("payments:pay", code=found.code)
    try:
        payment = self_service.use_credit(
            found, purpose=offer.purpose, amount_minor=offer.use_minor, actor=self_service.ACTOR
        )
    except (errors.NothingToPay, errors.HoldEnded, errors.NoCredit):
        return redirect("payments:pay", code=found.code)
    amount = format_minor(payment.amount_minor, payment.currency)
    messages.success(request, f"{amount} of your credit is used for {offer.noun}.")
    return redirect("payments:pay" if offer.rest_minor else "payments:booking", code=found.code)
