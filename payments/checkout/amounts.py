"""What the next instalment costs by card. Reads only."""

from dataclasses import dataclass
from decimal import Decimal

from bookings import agreement
from bookings.models import Booking, Instalment
from bookings.pricing import method_fee
from customers.models import PaymentMethod
from payments import dues


@dataclass(frozen=True)
class Due:
    """What one instalment, or with purpose `full` all that is open, costs by card, in minor units."""

    instalment: Instalment
    purpose: str
    amount_minor: int
    fee_minor: int
    fee_rate: Decimal

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


def due(booking: Booking, *, purpose: str = "") -> Due:
    """The next open instalment, or with purpose `full` all that is open. Raises NothingToPay in words."""
    ask = dues.next_due(booking, purpose=purpose)
    rate = agreement.method_fee_rate(booking, method=PaymentMethod.CARD)
    return Due(ask.instalment, ask.purpose, ask.amount_minor, method_fee(ask.amount_minor, rate=rate), rate)
