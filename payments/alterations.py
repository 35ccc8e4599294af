"""An edit of a booking from its door to its end: stored in one transaction, then open payments for old amounts ended.

A process that dies in between leaves an open payment of the old amount: the next start of checkout ends it, and when it
is paid before, settlement places what fits and keeps the rest as credit.
"""

import logging

from bookings.editing import Edit
from bookings.models import Booking
from customers.models import PaymentMethod
from payments import changes, checkout, dues, errors
from payments.changes import Changed
from payments.models import OPEN_STATES, GatewayAccount, Payment, PaymentState

logger = logging.getLogger(__name__)


def edit(
    *,
    booking: Booking,
    edit: Edit,
    actor: str,
    reason: str = "",
    expected_total_minor: int | None = None,
    based_on: str | None = None,
) -> Changed:
    """Change the booking; refusals as `changes.edit` raises them. Stripe's silence refuses nothing."""
    changed = changes.edit(
        booking=booking,
        edit=edit,
        actor=actor,
        reason=reason,
        expected_total_minor=expected_total_minor,
        based_on=based_on,
    )
    end_stale(booking)
    return changed


def end_stale(booking: Booking) -> None:
    """End the booking's open card payments that ask for another amount than is due now."""
    open_cards = Payment.objects.filter(
        booking=booking, method=PaymentMethod.CARD, state__in=OPEN_STATES - {PaymentState.AUTHORIZED}
    ).select_related("instalment", "booking")
    stale = [payment for payment in open_cards if payment.amount_minor != dues.asked_now(payment)]
    if not stale:
        return
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=booking.merchant_id)
    for payment in stale:
        try:
            checkout.end(account, payment, reason="the booking's price changed")
        except (errors.AlreadyPaid, errors.AlreadyAuthorized, errors.PaymentInProgress):
            continue  # its money is booked, or will be: what does not fit becomes credit
        except (
            errors.GatewayUnknown,
            errors.GatewayBusy,
            errors.GatewayRefused,
            errors.GatewayMisconfigured,
        ):
            logger.warning("payment %s was not ended after an edit; checkout will", payment.public_id)
