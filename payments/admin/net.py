"""What is left of a payment after refunds and fees. Stripe's fee is an estimate until Stripe tells it."""

from dataclasses import dataclass
from decimal import Decimal

from core import money
from customers.models import PaymentMethod
from payments.models import Payment

ESTIMATED_RATE = Decimal("0.029")
ESTIMATED_FIXED = Decimal("0.30")


@dataclass(frozen=True)
class Net:
    """In minor units. `is_estimate`: Stripe has not told its fee yet."""

    platform_fee_minor: int
    gateway_fee_minor: int
    is_estimate: bool
    net_minor: int


def of(payment: Payment) -> Net | None:
    """None while nothing was received."""
    if not payment.received_minor:
        return None
    platform = _platform_fee(payment)
    gateway, is_estimate = _gateway_fee(payment)
    left = payment.received_minor - payment.refunded_minor - platform - gateway
    return Net(platform, gateway, is_estimate, left)


def _platform_fee(payment: Payment) -> int:
    """Less the share that refunds gave back."""
    fee = payment.platform_fee_minor or 0
    return fee - money.share(fee, part=payment.refunded_minor, whole=payment.received_minor)


def _gateway_fee(payment: Payment) -> tuple[int, bool]:
    if payment.method != PaymentMethod.CARD:
        return 0, False
    if payment.gateway_fee_minor is not None:
        return payment.gateway_fee_minor, False
    fixed = int(ESTIMATED_FIXED.scaleb(money.exponent(payment.currency)))
    return money.at_rate(payment.received_minor, rate=ESTIMATED_RATE) + fixed, True
