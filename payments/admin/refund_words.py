"""What became of a refund, in words: only what Stripe, or a person who sent it, calls done is called done."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest

from core.money import format_minor
from payments.models import Refund, RefundRoute, RefundState
from payments.models.refund import NO_MONEY_MOVES

PENDING_REASONS = {
    "processing": "Stripe is working on it.",
    "insufficient_funds": "Stripe's balance is too low: it goes out once money has come in.",
    "charge_pending": "The payment itself is not settled at Stripe yet.",
}
HOW = {
    RefundRoute.GATEWAY: "to the card",
    RefundRoute.MANUAL: "by hand",
    RefundRoute.CREDIT: "as credit",
}


def tell(request: HttpRequest, refunds: Sequence[Refund]) -> None:
    """One message for each."""
    for refund in refunds:
        level, words = told(refund)
        messages.add_message(request, level, words)


def told(refund: Refund) -> tuple[int, str]:
    """(level of the message, words)."""
    total = format_minor(refund.total_minor, refund.currency)
    if refund.state == RefundState.SUCCEEDED:
        if refund.route == RefundRoute.CREDIT:
            return messages.SUCCESS, f"{total} is the customer's credit now."
        return messages.SUCCESS, f"{total} went back to the customer."
    if refund.state == RefundState.REQUESTED:
        return messages.INFO, (
            f"The refund of {total} waits: a second person must agree. Nothing was sent, and nobody was told yet."
        )
    if refund.state == RefundState.APPROVED and refund.route == RefundRoute.MANUAL:
        return messages.WARNING, (
            f"Now send {total} by hand, then record its reference here: the customer is told when that is done."
        )
    if refund.state in NO_MONEY_MOVES:
        why = f": {refund.failure_words.rstrip('.')}" if refund.failure_reason else ""
        return messages.ERROR, f"The refund of {total} failed, no money moved{why}."
    if refund.state == RefundState.UNKNOWN:
        return messages.WARNING, (
            f"Stripe has not answered about the refund of {total}. It is being asked for: do not refund again, "
            "the state below will change by itself."
        )
    return messages.INFO, f"The refund of {total} is on its way; Stripe has not finished it yet."
