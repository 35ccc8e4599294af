"""A refund of a booking as a whole: spread over its payments (allocating.py), all rows in one transaction.

Together they are one decision: one request key, one sum for the limits, and they wait for a second person together.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from bookings.models import Booking
from core.errors import Invalid
from core.money import format_minor
from customers.models import PaymentMethod
from payments import errors
from payments.models import Payment, PaymentState, Refund, RefundCause, RefundRoute
from payments.refunds import allocating, amounts, approving, executing, holding, requesting

_ROUTES = {PaymentMethod.CARD: allocating.CARD, PaymentMethod.CREDIT: allocating.CREDIT}
CAUSES = (RefundCause.PRICE_REDUCTION, RefundCause.DUPLICATE, RefundCause.DISPUTE_PREVENTION)


@dataclass(frozen=True)
class PartPreview:
    """What one payment would give back, in minor units."""

    payment: Payment
    route: RefundRoute
    split: amounts.RefundPreview


@dataclass(frozen=True)
class BookingPreview:
    """What a refund of the booking would be. In minor units."""

    parts: tuple[PartPreview, ...]

    @property
    def amount_minor(self) -> int:
        return sum(part.split.amount_minor for part in self.parts)

    @property
    def fee_minor(self) -> int:
        return sum(part.split.fee_minor for part in self.parts)

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor

    @property
    def shown(self) -> str:
        """The figures on the page: refunding counts only for exactly these."""
        return ",".join(f"{part.payment.pk}={part.route}:{part.split.total_minor}" for part in self.parts)


def with_money(booking: Booking, *, cause: str) -> list[tuple[Payment, int]]:
    """The booking's payments that have principal to give back for this cause, with how much."""
    rows = booking.payments.filter(state=PaymentState.SUCCEEDED)
    found = []
    for payment in rows.select_related("merchant", "booking").order_by("pk"):
        net = amounts.refundable(payment, cause=cause)
        if net > 0:
            found.append((payment, net))
    return found


def spread(payments: list[tuple[Payment, int]], *, amount_minor: int) -> dict[int, int]:
    """Payment id -> its part of the principal. `payments` with what each has, oldest first."""
    nets = [
        allocating.Net(
            payment_id=payment.pk,
            payer=payment.customer_id or 0,
            route=_ROUTES.get(PaymentMethod(payment.method), allocating.BY_HAND),
            order=place,
            net_minor=net,
        )
        for place, (payment, net) in enumerate(payments)
    ]
    return allocating.allocate(amount_minor, nets)


def preview_of_booking(
    booking: Booking, *, amount_minor: int, cause: str, as_credit: bool = False
) -> BookingPreview:
    """The numbers that `of_booking` would execute. Raises NotRefundable, RefundTooLarge, Invalid in words."""
    if cause not in CAUSES:
        raise Invalid("Choose a cause.", fields={"cause": "Choose a cause."})
    payments = with_money(booking, cause=cause)
    left = sum(net for _, net in payments)
    if not left:
        raise errors.NotRefundable("Nothing that was paid for this booking is left to send back.")
    if amount_minor <= 0:
        raise Invalid("Refund more than zero.", fields={"amount": "Refund more than zero."})
    if amount_minor > left:
        raise errors.RefundTooLarge(
            f"{format_minor(left, booking.currency)} may still go back, not "
            f"{format_minor(amount_minor, booking.currency)}."
        )
    parts = spread(payments, amount_minor=amount_minor)
    return BookingPreview(
        tuple(
            PartPreview(
                payment,
                requesting.route_of(payment, as_credit=as_credit),
                amounts.preview(payment=payment, amount_minor=parts[payment.pk], cause=cause),
            )
            for payment, _ in payments
            if payment.pk in parts
        )
    )


def of_booking(
    booking: Booking,
    *,
    amount_minor: int,
    cause: str,
    reason: str,
    requested_by: User | None,
    actor: str,
    request_key: str = "",
    as_credit: bool = False,
    expected: str | None = None,
    authenticated_at: datetime | None = None,
) -> list[Refund]:
    """Refund this much principal of the booking; the same `request_key` again, the same rows.

    `expected` is the `shown` of the preview that the person saw: PriceChanged when the figures are others now. Raises
    as `preview_of_booking` and `request`; then nothing changed.
    """
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the refund.", fields={"reason": "Say why."})
    asked = requesting.Asked(
        cause=cause,
        reason=reason.strip(),
        requested_by=requested_by,
        actor=actor,
        key=request_key,
        as_credit=as_credit,
        authenticated_at=authenticated_at,
    )
    rows = _store(booking, asked, amount_minor=amount_minor, expected=expected)
    return [executing.send(refund) for refund in rows]


@transaction.atomic
def _store(
    booking: Booking, asked: requesting.Asked, *, amount_minor: int, expected: str | None
) -> list[Refund]:
    membership = approving.lock_requester(asked.requested_by, booking.merchant)
    locked = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
    if asked.key:
        earlier = Refund.objects.filter(payment__booking=locked, request_key=asked.key)
        if found := list(earlier.select_related("payment__merchant").order_by("pk")):
            return found
    payments = {row.pk: row for row in (holding.lock(one)[1] for one in _in_order(locked, cause=asked.cause))}
    planned = preview_of_booking(
        locked, amount_minor=amount_minor, cause=asked.cause, as_credit=asked.as_credit
    )
    if expected is not None and planned.shown != expected:
        raise errors.PriceChanged()
    parts = []
    for part in planned.parts:
        payment = payments[part.payment.pk]
        payment.booking = locked
        parts.append((payment, part.split.amount_minor))
    return requesting.create_together(locked, parts, asked=asked, membership=membership)


def _in_order(booking: Booking, *, cause: str) -> list[Payment]:
    return [payment for payment, _ in with_money(booking, cause=cause)]
