"""The receipt as a PDF, in the words of the page and the e-mail. Pure: rows in, bytes out."""

from typing import TYPE_CHECKING

from customers.models import PaymentMethod
from payments.models import CLAIMED_METHODS, Payment, Receipt

if TYPE_CHECKING:
    from payments.paper import Paper


def render(receipt: Receipt) -> bytes:
    """The PDF of a receipt whose payment belongs to a booking."""
    from payments.paper import Paper  # a fifth of what a process takes to start, for those that render

    payment = receipt.payment
    booking = payment.booking
    assert booking is not None
    paper = Paper(
        receipt, name="Receipt", merchant=receipt.merchant, booking=booking, currency=payment.currency
    )
    paper.head()
    paid_at = booking.local(payment.succeeded_at or receipt.created_at)
    paper.amount(
        payment.received_minor,
        words=f"Paid on {paid_at:%B} {paid_at.day}, {paid_at.year}{_by(payment)}",
    )
    paper.facts()
    _sums(paper, payment)
    paper.foot(f"Reference {payment_reference(payment)}. Questions? Write to {receipt.merchant.email}.")
    return bytes(paper.output())


def _by(payment: Payment) -> str:
    if not payment.card_last4:
        name = str(payment.get_method_display())
        return f" by {name if payment.method in CLAIMED_METHODS else name.lower()}"
    return f" with {payment.card_brand.title()} ending in {payment.card_last4}"


def _sums(paper: "Paper", payment: Payment) -> None:
    paper.sum(payment.purpose_words, payment.received_minor - payment.received_fee_minor)
    if payment.received_fee_minor:
        paper.sum(payment.fee_words, payment.received_fee_minor)
    paper.sum(
        "Used" if payment.method == PaymentMethod.CREDIT else "Received", payment.received_minor, strong=True
    )
    if payment.credit_minor:
        paper.sum("Of this, kept as your credit", payment.credit_minor)
    if payment.unallocated_minor:
        paper.sum("Of this, not placed yet: we will write to you", payment.unallocated_minor)


def payment_reference(payment: Payment) -> str:
    """What finds the payment again at Stripe: the charge's id, else our own."""
    return payment.stripe_charge_id or str(payment.public_id)
