"""One credit note per fall of the price: left where it falls, then rendered, put into the outbox and stamped.

A refund that fails afterwards leaves the price lowered, so its note stands; the next refund first returns what is above
the price, and leaves a note only for what falls further. Called by `refunds`; sent by the task that sends receipts.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Sum

from bookings.models import Booking, LineKind
from core import doorbell
from core.money import share
from payments import changes, credit_note_pdf, documents, notices
from payments.models import CreditNote, CreditNoteCounter, Refund


def leave(refund: Refund, booking: Booking, fallen: changes.Fall) -> None:
    """Leave the note of a price that fell. Under the Booking's lock, as the transaction's last."""
    CreditNote.objects.create(
        merchant_id=booking.merchant_id,
        booking=booking,
        refund=refund,
        number=documents.next_number(CreditNoteCounter, merchant_id=booking.merchant_id),
        currency=booking.currency,
        amount_minor=fallen.amount_minor,
        net_minor=fallen.amount_minor - fallen.tax_minor,
        tax_minor=fallen.tax_minor,
        taxes=_taxes(booking, tax_minor=fallen.tax_minor),
        price_minor=fallen.price_minor,
        reason=refund.reason,
    )
    doorbell.ring(documents.SEND_TASK)


def _taxes(booking: Booking, *, tax_minor: int) -> list[dict[str, str | int]]:
    """Each rate's part of the tax, computed on all notes of the booking together, so that cents never drift."""
    rates = list(booking.lines.filter(kind=LineKind.TAX).values_list("description", "amount_minor"))
    before = list(booking.credit_notes.values_list("taxes", flat=True))
    so_far: int = booking.credit_notes.aggregate(minor=Sum("tax_minor", default=0))["minor"]
    wanted = split(so_far + tax_minor, weights=[weight for _, weight in rates])
    found, left = [], tax_minor
    for place, (name, _) in enumerate(rates):
        earlier = sum(tax["tax_minor"] for taxes in before for tax in taxes if tax["name"] == name)
        is_last = place == len(rates) - 1
        part = left if is_last else min(left, max(0, wanted[place] - earlier))
        found.append({"name": name, "tax_minor": part})
        left -= part
    return [tax for tax in found if tax["tax_minor"]]


def split(minor: int, *, weights: Sequence[int]) -> list[int]:
    """`minor` in proportion to the weights; the parts sum to it, and none is negative. Pure."""
    whole = sum(weights)
    ends = (
        [share(minor, part=sum(weights[: n + 1]), whole=whole) for n in range(len(weights))] if whole else []
    )
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def send_due(*, limit: int = 50) -> int:
    """Render and queue the notes that are due; how many."""
    return documents.send_due(
        CreditNote.objects.select_related("merchant", "booking"), send=_send, limit=limit
    )


def _send(note: CreditNote) -> None:
    pdf = credit_note_pdf.render(note)
    with transaction.atomic():
        if documents.stamp(note, pdf=pdf):
            notices.credit_note(note, pdf=pdf)
