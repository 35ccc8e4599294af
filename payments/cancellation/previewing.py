"""What a cancellation would do, to the cent: bracket, what is kept, and the way back of each payment. Reads only."""

from dataclasses import dataclass

from bookings import agreement
from bookings.models import Booking, BookingState
from core import clock
from core.errors import Invalid
from core.money import share
from payments import errors, refunds
from payments.models import Payment, RefundCause, RefundRoute

CANCELLABLE = frozenset({BookingState.DRAFT, BookingState.QUOTED, BookingState.HELD, BookingState.CONFIRMED})


@dataclass(frozen=True)
class Returned:
    """What one payment gives back, in minor units; `stripe_fee_minor` of it Stripe keeps from the merchant."""

    payment: Payment
    route: RefundRoute
    amount_minor: int
    fee_minor: int
    stripe_fee_minor: int

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


@dataclass(frozen=True)
class Preview:
    """`paid_minor` of principal = `refund_minor` + `kept_minor`; with the fees' shares `total_minor` goes back.

    `kept_tax_minor` is the tax within what is kept, where the place taxes that.
    """

    booking: Booking
    notice_days: int
    policy_percent: int
    percent: int
    paid_minor: int
    refund_minor: int
    returned: tuple[Returned, ...]

    @property
    def kept_minor(self) -> int:
        return self.paid_minor - self.refund_minor

    @property
    def kept_tax_minor(self) -> int:
        return agreement.tax_in_kept(self.booking, kept_minor=self.kept_minor)

    @property
    def total_minor(self) -> int:
        return sum(part.total_minor for part in self.returned)

    @property
    def unrecoverable_minor(self) -> int:
        """What Stripe keeps of its own fees, at the merchant's expense."""
        return sum(part.stripe_fee_minor for part in self.returned)

    @property
    def is_overruled(self) -> bool:
        return self.percent != self.policy_percent

    @property
    def shown(self) -> str:
        """The figures on the page: cancelling counts only for exactly these."""
        parts = ",".join(f"{part.payment.pk}={part.route}:{part.total_minor}" for part in self.returned)
        return f"{self.percent}|{self.refund_minor}|{self.kept_minor}|{self.kept_tax_minor}|{parts}"


def preview(booking: Booking, *, percent: int | None = None, as_credit: bool = False) -> Preview:
    """What cancelling would do now: as the frozen policy says, or with `percent` of the principal that staff give.

    Raises BookingSettled for what cannot be cancelled any more, Invalid for a percent that is none.
    """
    if booking.state not in CANCELLABLE:
        raise errors.BookingSettled(f"This booking is {booking.get_state_display().lower()} already.")
    if percent is not None and not 0 <= percent <= 100:
        raise Invalid("Give between 0 and 100 percent back.", fields={"percent": "Between 0 and 100."})
    bracket = agreement.cancellation(booking, today=clock.today(booking.timezone))
    given = bracket.percent if percent is None else percent
    payments = refunds.with_money(booking, cause=RefundCause.CANCELLATION)
    paid = sum(net for _, net in payments)
    refund = share(paid, part=given, whole=100)
    return Preview(
        booking=booking,
        notice_days=bracket.notice_days,
        policy_percent=bracket.percent,
        percent=given,
        paid_minor=paid,
        refund_minor=refund,
        returned=_returned(payments, refund_minor=refund, as_credit=as_credit),
    )


def _returned(
    payments: list[tuple[Payment, int]], *, refund_minor: int, as_credit: bool
) -> tuple[Returned, ...]:
    parts = refunds.spread(payments, amount_minor=refund_minor)
    return tuple(
        _part(payment, parts[payment.pk], as_credit=as_credit)
        for payment, _ in payments
        if payment.pk in parts
    )


def _part(payment: Payment, amount_minor: int, *, as_credit: bool) -> Returned:
    planned = refunds.preview(payment=payment, amount_minor=amount_minor, cause=RefundCause.CANCELLATION)
    route = refunds.route_of(payment, as_credit=as_credit)
    kept_by_stripe = 0
    if route == RefundRoute.GATEWAY and payment.gateway_fee_minor:
        kept_by_stripe = share(
            payment.gateway_fee_minor, part=planned.total_minor, whole=payment.received_minor
        )
    return Returned(payment, route, planned.amount_minor, planned.fee_minor, kept_by_stripe)
