"""One receipt per charge: left by settlement, then rendered, queued and stamped (payments/documents.py)."""

from django.db import transaction

from core import doorbell
from payments import documents, notices, receipt_pdf
from payments.models import Payment, Receipt, ReceiptCounter

SEND_TASK = documents.SEND_TASK


def leave(payment: Payment) -> None:
    """Leave the payment's receipt to be sent. Inside settlement's transaction, as its last lock."""
    number = documents.next_number(ReceiptCounter, merchant_id=payment.merchant_id)
    Receipt.objects.create(merchant_id=payment.merchant_id, payment=payment, number=number)
    doorbell.ring(SEND_TASK)


def send_due(*, limit: int = 50) -> int:
    """Render and queue the receipts that are due; how many."""
    rows = Receipt.objects.select_related("merchant", "payment__booking", "payment__instalment")
    return documents.send_due(rows, send=_send, limit=limit)


def _send(receipt: Receipt) -> None:
    pdf = receipt_pdf.render(receipt)
    with transaction.atomic():
        if documents.stamp(receipt, pdf=pdf):
            notices.receipt(receipt, pdf=pdf)
