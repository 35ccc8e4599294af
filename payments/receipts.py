"""One receipt per charge: left by settlement, then rendered, put into the outbox and stamped in one transaction.

A process that dies before that transaction leaves the row due; after it, nothing is sent again.
"""

from django.db import connection, transaction
from django.template.loader import render_to_string

from core import clock, doorbell, outbox
from payments import notices, receipt_pdf
from payments.models import Payment, Receipt

SEND_TASK = "payments.send_receipts"

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
    """Render and queue the receipts that are due, oldest first; how many. Any number of workers may run at once."""
    sent = 0
    while sent < limit and _send_next():
        sent += 1
    return sent


def _send_next() -> bool:
    with transaction.atomic():
        receipt = (
            Receipt.objects.filter(emailed_at__isnull=True)
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
            .select_related("merchant", "payment__booking", "payment__instalment")
            .order_by("id")
            .first()
        )
        if receipt is None:
            return False
        receipt.pdf = receipt_pdf.render(receipt)
        receipt.rendered_at = receipt.emailed_at = clock.now()
        _enqueue(receipt, bytes(receipt.pdf))
        receipt.save(update_fields=["pdf", "rendered_at", "emailed_at"])
    return True


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
