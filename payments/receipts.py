"""One receipt per charge: left by settlement, then rendered, put into the outbox and stamped in one transaction.

A process that dies before that transaction leaves the row due again after LEASE; after it, nothing is sent again.
"""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.template.loader import render_to_string

from core import clock, doorbell, outbox
from payments import notices
from payments.models import Payment, Receipt

logger = logging.getLogger(__name__)

SEND_TASK = "payments.send_receipts"
LEASE = timedelta(minutes=2)  # How long one rendering may take before another worker tries.
LONGEST_WAIT = timedelta(hours=6)

NEXT_NUMBER = """
    INSERT INTO payments_receiptcounter (merchant_id, last_number) VALUES (%s, 1)
    ON CONFLICT (merchant_id) DO UPDATE SET last_number = payments_receiptcounter.last_number + 1
    RETURNING last_number
"""


def leave(payment: Payment) -> None:
    """Leave the payment's receipt to be sent. Inside settlement's transaction, as its last lock."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [payment.merchant_id])
        (number,) = cursor.fetchone()
    Receipt.objects.create(merchant_id=payment.merchant_id, payment=payment, number=number)
    doorbell.ring(SEND_TASK)


def send_due(*, limit: int = 50) -> int:
    """Render and queue the receipts that are due, oldest first; how many. Any number of workers may run at once.

    One that cannot be rendered is put off, further each time, and holds up no other.
    """
    sent = 0
    for _ in range(limit):
        receipt = _claim()
        if receipt is None:
            break
        try:
            _send(receipt)
        except Exception as bug:
            logger.exception("Receipt %s could not be rendered", receipt.public_id)
            Receipt.objects.filter(pk=receipt.pk).update(last_error=type(bug).__name__)
        else:
            sent += 1
    return sent


def _claim() -> Receipt | None:
    """Take the next receipt and put it off in the same breath: whoever dies now leaves it to the next."""
    with transaction.atomic():
        now = clock.now()
        receipt = (
            Receipt.objects.filter(emailed_at__isnull=True, due_at__lte=now)
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .select_related("merchant", "payment__booking", "payment__instalment")
            .order_by("due_at", "id")
            .first()
        )
        if receipt is None:
            return None
        receipt.attempts += 1
        receipt.due_at = now + min(LEASE * 2 ** min(receipt.attempts - 1, 10), LONGEST_WAIT)
        receipt.save(update_fields=["attempts", "due_at"])
    return receipt


def _send(receipt: Receipt) -> None:
    from payments import receipt_pdf  # a fifth of what a process takes to start, for those that render

    pdf = receipt_pdf.render(receipt)
    with transaction.atomic():
        now = clock.now()
        mine = Receipt.objects.filter(pk=receipt.pk, emailed_at__isnull=True)
        if mine.update(pdf=pdf, rendered_at=now, emailed_at=now, last_error=""):
            _enqueue(receipt, pdf)


def _enqueue(receipt: Receipt, pdf: bytes) -> None:
    booking = receipt.payment.booking
    assert booking is not None
    context = {
        "receipt": receipt,
        "payment": receipt.payment,
        "booking": booking,
        "merchant": receipt.merchant,
        "event_at": booking.local(booking.starts_at),
        "link": notices.booking_link(booking),
    }
    outbox.enqueue(
        key=f"receipt:{receipt.public_id}",
        to=booking.contact_email,
        subject=f"Your receipt {receipt.label} from {receipt.merchant.name}",
        text=render_to_string("email/receipt.txt", context),
        html=render_to_string("email/receipt.html", context),
        attachments=[(f"{receipt.label}.pdf", "application/pdf", pdf)],
        merchant_id=receipt.merchant_id,
    )
