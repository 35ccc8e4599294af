"""What one instalment comes to by Zelle or Venmo, and where to send it. Reads only."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, urlencode

from bookings import agreement
from bookings.models import Booking, Instalment
from bookings.pricing import method_fee
from core.money import exponent
from customers.models import Merchant, PaymentMethod
from payments import dues, errors
from payments.models import CLAIMED_METHODS
from payments.placing import Asked

VENMO = "https://venmo.com"


@dataclass(frozen=True)
class Instructions:
    """All amounts in minor units. `saving_minor` is what a card would cost more, 0 when it would not.

    `handle` is whom to pay: a Venmo handle without the @, or the e-mail address or phone number enrolled with Zelle,
    whose owner the bank shows as `recipient`. `reference` is the booking's code, for the transfer's note. `link` opens
    Venmo with all of it filled in; Zelle has none.
    """

    instalment: Instalment
    purpose: str
    method: str
    currency: str
    amount_minor: int
    fee_minor: int
    fee_rate: Decimal
    saving_minor: int
    handle: str
    recipient: str
    reference: str
    link: str

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


def offered(merchant: Merchant) -> tuple[str, ...]:
    """The transfers that this merchant takes, the cheapest first."""
    taken = [method for method in CLAIMED_METHODS if merchant.takes(method)]
    return tuple(sorted(taken, key=merchant.method_fee_rate))


def instructions(booking: Booking, *, method: str, purpose: str = "") -> Instructions:
    """How to pay what is due next by `method`; purpose `full`: all that is open.

    Raises NotOffered, AlreadyPaid, NothingToPay.
    """
    if method not in offered(booking.merchant):
        raise errors.NotOffered()
    ask = dues.next_due(booking, purpose=purpose)
    by_method = with_fee(booking, ask.amount_minor, method=method)
    by_card = with_fee(booking, ask.amount_minor, method=PaymentMethod.CARD)
    merchant = booking.merchant
    is_venmo = method == PaymentMethod.VENMO
    return Instructions(
        instalment=ask.instalment,
        purpose=ask.purpose,
        method=method,
        currency=booking.currency,
        amount_minor=by_method.amount_minor,
        fee_minor=by_method.fee_minor,
        fee_rate=agreement.method_fee_rate(booking, method=method),
        saving_minor=max(0, by_card.total_minor - by_method.total_minor),
        handle=merchant.venmo_handle if is_venmo else merchant.zelle_contact,
        recipient=merchant.name if is_venmo else merchant.zelle_name or merchant.name,
        reference=booking.code,
        link=_venmo_link(booking, total_minor=by_method.total_minor) if is_venmo else "",
    )


def with_fee(booking: Booking, amount_minor: int, *, method: str) -> Asked:
    """So much principal with the method's fee on it, at the rate that the customer agreed to."""
    rate = agreement.method_fee_rate(booking, method=method)
    return Asked(amount_minor, method_fee(amount_minor, rate=rate))


def _venmo_link(booking: Booking, *, total_minor: int) -> str:
    places = exponent(booking.currency)
    amount = str(Decimal(total_minor).scaleb(-places))
    asked_for = urlencode({"txn": "pay", "amount": amount, "note": booking.code}, quote_via=quote)
    return f"{VENMO}/{quote(booking.merchant.venmo_handle)}?{asked_for}"
