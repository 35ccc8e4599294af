"""What the next instalment costs by card. Reads only."""

from dataclasses import dataclass
from decimal import Decimal

from bookings import agreement
from bookings.models import Booking, Instalment
from bookings.pricing import method_fee
from customers.models import PaymentMethod
from payments import errors


@dataclass(frozen=True)
class Due:
    """What one instalment costs by card, in minor units."""

    instalment: Instalment
    amount_minor: int
    fee_minor: int
    fee_rate: Decimal

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


def due(booking: Booking, *, purpose: str = "") -> Due:
    """The next open instalment, which must be of this purpose when one is named. Raises NothingToPay in words."""
    for instalment in booking.instalments.order_by("position"):
        if instalment.open_minor:
            if purpose and instalment.purpose != purpose:
                raise errors.NothingToPay(
                    f"The {instalment.get_purpose_display().lower()} is due first; pay that one."
                )
            rate = agreement.method_fee_rate(booking, method=PaymentMethod.CARD)
            fee = method_fee(instalment.open_minor, rate=rate)
            return Due(instalment, instalment.open_minor, fee, rate)
    raise errors.AlreadyPaid()
