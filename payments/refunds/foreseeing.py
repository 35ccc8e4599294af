"""Who will have to agree to a refund that is about to be asked for, and why: for dialogs and previews. Reads only."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from core.money import format_minor
from customers import access
from customers.models import Role
from payments.models import Payment
from payments.refunds import approving


@dataclass(frozen=True)
class Foreseen:
    """`why` says why a second person must agree, "" when none must; `limit` what is left of the person's day."""

    needs_second: bool
    needs_proof: bool
    why: str
    limit: str


def foresee(payment: Payment, *, total_minor: int, by: User, is_credit_to_credit: bool = False) -> Foreseen:
    """What `request` will find for this much more of this payment's booking. In minor units."""
    merchant, currency = payment.merchant, payment.currency
    threshold = merchant.approval_from_minor
    booking = approving.total_of(approving.of_one_booking(payment)) + total_minor
    today = approving.total_of(approving.todays(by, merchant)) + total_minor
    why = ""
    if booking >= threshold:
        why = _sum(booking, total_minor, currency=currency, of="this booking's refunds")
    elif today >= threshold:
        why = _sum(today, total_minor, currency=currency, of="your refunds of today")
    if why:
        why = f"{why}; from {format_minor(threshold, currency)} on a second person must agree."
    return Foreseen(
        needs_second=bool(why) and not is_credit_to_credit,
        needs_proof=total_minor >= merchant.reauthenticate_from_minor,
        why="" if is_credit_to_credit else why,
        limit=_limit(payment, by=by, today_minor=today - total_minor),
    )


def _sum(whole: int, own: int, *, currency: str, of: str) -> str:
    if whole == own:
        return f"This is {format_minor(own, currency)}"
    return f"With this one {of} come to {format_minor(whole, currency)}"


def _limit(payment: Payment, *, by: User, today_minor: int) -> str:
    most = payment.merchant.manager_daily_refunds_minor
    place = next((one for one in access.places(by) if one.merchant.pk == payment.merchant_id), None)
    if most is None or place is None or place.role != Role.MANAGER:
        return ""
    left = format_minor(max(0, most - today_minor), payment.currency)
    return f"Of your limit for today {left} is left, of {format_minor(most, payment.currency)}."
