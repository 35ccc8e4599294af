"""Cards that only promise, cards that were saved, charges that are disputed; and a day cancelled as a whole."""

from contextlib import suppress
from urllib.error import HTTPError

import stripe

from core import clock
from payments import authorizations, bulk, charging
from payments.models import OPEN_STATES, Capture, Payment, RefundTerms, SavedCard
from payments.tests.history_world import World, percent_of, pick

CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_refundFail", "pm_card_chargeDeclined")


def promises(world: World, a: int, b: int, c: int) -> None:
    """A card is authorized for the next part, or for all that is open; Stripe tells at once, or later."""
    if booking := world.booking(a):
        payment = world.shop.authorize(booking, purpose="full" if c == 7 else "").payment
        with suppress(stripe.CardError, stripe.InvalidRequestError):
            world.shop.confirm(payment, card=CARDS[b % len(CARDS)])
        if c % 3:
            world.shop.deliver()


def decides_a_promise(world: World, a: int, b: int, c: int) -> None:
    """Captured, in full or in part, or released."""
    promised = Payment.objects.filter(capture=Capture.MANUAL, state__in=OPEN_STATES)
    payment = pick(promised.select_related("merchant", "booking").order_by("pk"), a)
    if payment is None:
        return
    if c % 4 == 3:
        authorizations.void(payment=payment, actor="user:1", reason="not now")
        return
    part = percent_of(payment.amount_minor, b) if b % 2 else None
    authorizations.capture(payment=payment, actor="user:1", amount_minor=part, reason="fits us")


def charges_a_saved_card(world: World, a: int, b: int, c: int) -> None:
    """Staff charge what is due next to the card that the customer saved, which they do here and now."""
    booking = world.booking(a)
    if booking is None:
        return
    card = SavedCard.objects.filter(customer=booking.customer, detached_at__isnull=True).first()
    card = card or world.shop.save_card(booking.customer)
    charging.charge(booking=booking, card=card, actor="user:1", purpose="full" if c == 7 else "")


def disputes_a_charge(world: World, a: int, b: int, c: int) -> None:
    """A customer's bank takes money back; the dispute is decided at once, or stays open."""
    charged = Payment.objects.exclude(stripe_charge_id="").order_by("pk")
    if payment := pick(charged, a):
        with suppress(HTTPError):  # it is disputed, or all of it went back
            path = f"charges/{payment.stripe_charge_id}/dispute"
            dispute = world.shop.sandbox.control(path, reason="fraudulent")
            if b % 3:
                outcome = ("lost", "won")[b % 2]
                world.shop.sandbox.control(f"disputes/{dispute['id']}/decide", outcome=outcome)


def cancels_a_day(world: World, a: int, b: int, c: int) -> None:
    """All of the day on which one of the bookings takes place; a second person agrees where one must."""
    booking = world.booking(a)
    if booking is None:
        return
    merchant, day = world.shop.merchant, booking.event_date
    terms = (RefundTerms.POLICY, RefundTerms.FULL)[b % 2]
    shown = bulk.preview(merchant, day=day, terms=terms).shown
    asked = bulk.request(
        merchant,
        day=day,
        terms=terms,
        reason="storm",
        by=world.asking,
        expected=shown,
        authenticated_at=clock.now(),
    )
    if asked.state == "requested":
        bulk.decide(asked, by=world.agreeing, agreed=c % 4 != 3, authenticated_at=clock.now())
    bulk.run_due()
