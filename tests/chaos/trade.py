"""A day's trade of one caterer, and what came of it: for tests that disturb how Stripe's events arrive.

`make` does what customers and staff do, and delivers no event. `told` is everything that bookings, payments, refunds
and ledger say afterwards, without ids and moments, so that two trades of the same kinds can be compared.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.db.models import Sum

from bookings.models import Booking, Slot
from bookings.tests.factories import SlotFactory
from core import clock
from payments import errors, refunds
from payments.models import (
    DeskItem,
    EventState,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    RefundCause,
    WebhookEvent,
)
from payments.tests.shop import Shop

DONE = {EventState.HANDLED, EventState.IGNORED}
PART_MINOR = 2_500
ROOM = 30_000

CATCH_UP_TRIES = 40


def by_element(shop: Shop, booking: Booking) -> None:
    shop.confirm(shop.start(booking).payment)


def by_checkout(shop: Shop, booking: Booking) -> None:
    assert shop.pay_hosted(shop.start(booking, mode="hosted").payment)["status"] == "complete"


def declined_then_paid(shop: Shop, booking: Booking) -> None:
    payment = shop.start(booking).payment
    with pytest.raises(stripe.CardError):
        shop.confirm(payment, card="pm_card_chargeDeclinedInsufficientFunds")
    shop.confirm(payment)


def switched_to_the_element(shop: Shop, booking: Booking) -> None:
    shop.start(booking, mode="hosted")
    by_element(shop, booking)


def seen_paid_by_the_page_then_refunded_in_part(shop: Shop, booking: Booking) -> None:
    by_element(shop, booking)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking)
    refund_part(Payment.objects.get(booking=booking))


def refunded_at_stripe(shop: Shop, booking: Booking) -> None:
    payment = shop.start(booking).payment
    intent = shop.confirm(payment)
    shop.stripe.v1.refunds.create({"charge": intent["latest_charge"], "amount": 2_700})


def left_unpaid(shop: Shop, booking: Booking) -> None:
    with pytest.raises(stripe.CardError):
        shop.confirm(shop.start(booking).payment, card="pm_card_chargeDeclined")


KINDS: Mapping[str, Callable[[Shop, Booking], None]] = {
    kind.__name__: kind
    for kind in (
        by_element,
        by_checkout,
        declined_then_paid,
        switched_to_the_element,
        seen_paid_by_the_page_then_refunded_in_part,
        refunded_at_stripe,
        left_unpaid,
    )
}


def refund_part(payment: Payment, *, key: str = "") -> None:
    refunds.request(
        payment=payment,
        amount_minor=PART_MINOR,
        cause=RefundCause.PRICE_REDUCTION,
        reason="The grill was late",
        requested_by=None,
        actor="user:1",
        request_key=key,
    )


def book(shop: Shop, **changes: Any) -> Booking:
    """A held booking in the one evening that has room for everybody."""
    everybody = Slot.objects.filter(merchant=shop.merchant, capacity=ROOM).first()
    if everybody is None:
        evening = clock.now() + timedelta(days=30)
        everybody = SlotFactory.create(merchant=shop.merchant, capacity=ROOM, starts_at=evening)
    return shop.book(slot=everybody, **changes)


def make(shop: Shop, *, kinds: Iterable[str] = KINDS) -> dict[int, str]:
    """One booking of each kind, in this order; their ids with their kinds. Every event of it is still at Stripe."""
    made: dict[int, str] = {}
    for number, kind in enumerate(kinds):
        booking = book(shop, email=f"guest{number}@example.com")
        KINDS[kind](shop, booking)
        made[booking.pk] = kind
    return made


def told(bookings: Iterable[int]) -> Counter[str]:
    """How often each final state occurs among these bookings."""
    return Counter(repr(_booking(booking)) for booking in Booking.objects.filter(pk__in=list(bookings)))


def _booking(booking: Booking) -> dict[str, Any]:
    payments = booking.payments.order_by("id")
    ledger = LedgerEntry.objects.filter(booking=booking)
    return {
        "booking": (booking.state, booking.total_minor, booking.tax_minor),
        "instalments": list(booking.instalments.values_list("purpose", "amount_minor", "paid_minor")),
        "payments": list(
            payments.values_list(
                "state",
                "mode",
                "received_minor",
                "received_fee_minor",
                "placed_minor",
                "credit_minor",
                "unallocated_minor",
                "refunded_minor",
                "refunding_minor",
                "card_last4",
            )
        ),
        "attempts": [payment.attempts.count() for payment in payments],
        "refunds": [
            sorted(payment.refunds.values_list("state", "cause", "amount_minor", "fee_minor", "tax_minor"))
            for payment in payments
        ],
        "receipts": sum(hasattr(payment, "receipt") for payment in payments),
        "confirmed": booking.changes.filter(to_state="confirmed").count(),
        "ledger": dict(ledger.order_by("account").values_list("account").annotate(Sum("amount_minor"))),
        "postings": ledger.values("transaction").distinct().count(),
        "desk": DeskItem.objects.filter(booking=booking).count(),
    }


def make_due() -> None:
    """As if time had passed: what waits is due, and the leases of workers that are gone have ended."""
    now = clock.now()
    waiting = WebhookEvent.objects.exclude(state__in=[*DONE, EventState.DEAD])
    waiting.update(due_at=now, lease_until=None)


def assert_books_are_straight(shop: Shop) -> None:
    """Every posting balances, nothing is on Stripe's balance that the ledger lacks, nor the other way round."""
    crooked = LedgerTransaction.objects.annotate(sum=Sum("entries__amount_minor")).exclude(sum=0)
    assert not crooked.exists()
    # A worker that runs beside us may be posting while the balance is compared: zero after it has caught up.
    tie_out = shop.tie_out()
    for _ in range(CATCH_UP_TRIES):
        if (tie_out.difference_minor, tie_out.not_posted, tie_out.awaiting) == (0, (), ()):
            break
        time.sleep(0.5)
        tie_out = shop.tie_out()
    assert (tie_out.difference_minor, tie_out.not_posted, tie_out.awaiting) == (0, (), ())
    assert tie_out.stripe_minor == tie_out.clearing_minor
