"""After any history: receipts and credit notes are numbered without gaps, and notes tell every fall of a price once."""

from django.db.models import Sum

from bookings.models import Booking, LineKind
from payments.models import CreditNote, Receipt


def check() -> None:
    for model in (Receipt, CreditNote):
        numbers = list(model._default_manager.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1)), f"{model.__name__}: {numbers}"
    for booking in Booking.objects.all():
        _check_notes(booking)


def _check_notes(booking: Booking) -> None:
    """Together the notes hold what the price fell by, tax within, each rate's part of it to the cent."""
    told = booking.credit_notes.aggregate(
        amount=Sum("amount_minor", default=0), tax=Sum("tax_minor", default=0)
    )
    fallen = booking.lines.filter(kind=LineKind.REDUCTION).aggregate(
        amount=Sum("amount_minor", default=0), tax=Sum("tax_minor", default=0)
    )
    assert (told["amount"], told["tax"]) == (-fallen["amount"], -fallen["tax"]), f"{booking.code}: {told}"
    for note in booking.credit_notes.all():
        parts = [tax["tax_minor"] for tax in note.taxes]
        assert sum(parts) == note.tax_minor, f"{note}: {note.taxes}"
        assert all(part > 0 for part in parts), f"{note}: {note.taxes}"
