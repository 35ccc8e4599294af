"""What customers, Stripe and time may do, one function each."""

import random
from contextlib import suppress
from typing import Any

import stripe

from bookings import booking as bookings
from bookings.requests import BookingRequest
from bookings.tests.factories import request_for
from core import clock
from payments import (
    credit,
    dues,
    facts,
    manual,
)
from payments.models import (
    Payment,
)
from payments.tests.history_world import World, percent_of, pick

CARDS = (
    "pm_card_visa", "pm_card_visa", "pm_card_bypassPending", "pm_card_chargeDeclined", "",
    "pm_card_pendingRefund", "pm_card_refundFail",
)  # fmt: skip


def waits(world: World, a: int, b: int, c: int) -> None:
    """Nothing happens: what a step becomes when a failing history is made smaller."""


def books(world: World, a: int, b: int, c: int) -> None:
    """A customer books; the third of them is somebody else. Two on one time: the second is refused."""
    if len(world.bookings) == 3:
        return
    request: BookingRequest = request_for(
        world.slots[a % len(world.slots)],
        menu=world.shop.menu,
        adults=1 + b % 12,
        children=c % 3,
        email="bo@example.com" if c == 7 else "ada@example.com",
        add_ons={world.add_on.pk: 1} if c % 2 else {},
    )
    merchant = world.shop.merchant
    world.bookings.append(bookings.create(merchant=merchant, request=request, actor="customer"))


def pays_by_card(world: World, a: int, b: int, c: int) -> None:
    """Starts, and pays, is declined, or goes away; Stripe tells of it at once, or when webhooks come."""
    if booking := world.booking(a):
        started = world.shop.start(booking, purpose="full" if c == 7 else "")
        _confirm(world, started.payment, CARDS[b % len(CARDS)])
        if c % 3:
            world.shop.deliver()


def comes_back_to_the_card(world: World, a: int, b: int, c: int) -> None:
    """An old tab, whatever became of its payment since."""
    payment = pick(
        Payment.objects.filter(method="card").exclude(stripe_payment_intent_id="").order_by("pk"), a
    )
    if payment:
        _confirm(world, payment, CARDS[b % len(CARDS)])


def _confirm(world: World, payment: Payment, card: str) -> None:
    if card:
        with suppress(stripe.CardError, stripe.InvalidRequestError):
            world.shop.confirm(payment, card=card)


def pays_by_credit(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        ask = dues.next_due(booking)
        amount = percent_of(ask.instalment.open_minor, b) if b % 2 else None
        credit.spend(booking=booking, purpose=ask.instalment.purpose, actor="customer", amount_minor=amount)


def charges_without_us(world: World, a: int, b: int, c: int) -> None:
    """A charge that none of our payments started: a stranger's, or a customer's second one."""
    known = Payment.objects.filter(method="card").exclude(stripe_payment_intent_id="").order_by("pk")
    twin = pick(known, a) if b % 2 else None
    order: dict[str, Any] = {
        "amount": 5_000 + 100 * c,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    if twin:
        found = world.shop.stripe.v1.payment_intents.retrieve(twin.stripe_payment_intent_id)
        order |= {"customer": found.customer, "metadata": {facts.PAYMENT_KEY: str(twin.public_id)}}
    world.shop.stripe.v1.payment_intents.create(order)


def webhooks_come(world: World, a: int, b: int, c: int) -> None:
    """All that waits; in order, or shuffled and twice, or all but a part that comes later."""
    found = world.held_back + world.shop.events()
    world.held_back = []
    if a % 3 == 1:
        found = found * 2
        random.Random(b).shuffle(found)
    if a % 3 == 2:
        random.Random(b).shuffle(found)
        half = len(found) // 2
        found, world.held_back = found[:half], found[half:]
    world.shop.deliver(found)


def time_passes_at_stripe(world: World, a: int, b: int, c: int) -> None:
    """Refunds that wait arrive, or fail."""
    world.shop.sandbox.advance(seconds=86_400 * (1 + a % 6))


def dashboard_refunds(world: World, a: int, b: int, c: int) -> None:
    charges = Payment.objects.exclude(stripe_charge_id="").order_by("pk")
    if payment := pick(charges, a):
        order = {"charge": payment.stripe_charge_id, "amount": percent_of(payment.received_minor, b)}
        try:
            world.shop.stripe.v1.refunds.create(order)
        except stripe.InvalidRequestError:
            return  # Stripe keeps what is left to refund, too.


def claims(world: World, a: int, b: int, c: int) -> None:
    if booking := world.booking(a):
        method, purpose = ("zelle", "venmo")[b % 2], "full" if c == 7 else ""
        payment = manual.start(booking, method=method, actor="customer", purpose=purpose)
        if c % 4:
            today = clock.today(booking.timezone)
            manual.claim(payment, sender_name="Ada Example", sent_on=today, actor="customer")
