"""What a customer does with cards: saves one with consent, prefers one, removes one, goes to Stripe's portal.

Everything here may call Stripe, so never inside a transaction. A lost answer raises; trying again is safe.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from bookings.models import Booking
from core import clock
from customers.models import Customer, Merchant
from payments import checkout, errors, facts, gateway
from payments.cards import noting
from payments.models import CardSetup, GatewayAccount, GatewayCustomer, SavedCard, SetupState

ATTEMPTS = 3
KEY_LIFE = timedelta(hours=23)  # Stripe keeps an idempotency key for 24 h at least.
FRESH = timedelta(hours=1)  # So long a page or a client may ask how its saving went.


@dataclass(frozen=True)
class Begun:
    """A card that the customer can save now. The secret is Stripe's, fetched for this answer and stored nowhere."""

    setup: CardSetup
    publishable_key: str
    client_secret: str


def consent(merchant: Merchant) -> str:
    """What a customer agrees to by saving a card; kept with it."""
    return (
        f"By saving this card you allow {merchant.name} to keep it at Stripe and to charge it with the instalments of "
        "your bookings as they fall due. You can remove it here at any time."
    )


def require_proof(customer: Customer) -> None:
    if customer.email_verified_at is None:
        raise errors.EmailNotVerified()


def kept(customer: Customer) -> QuerySet[SavedCard]:
    """The customer's cards that Stripe still has, the default one first."""
    return SavedCard.objects.filter(
        customer=customer, detached_at__isnull=True, gateway_customer__isnull=False
    ).select_related("setup", "customer")


def offered(booking: Booking, *, customer: Customer | None) -> list[SavedCard]:
    """The cards with which this visitor may pay the booking here and now: their own, of a booking of theirs."""
    if customer is None or customer.pk != booking.customer_id:
        return []
    today = clock.today(booking.timezone)
    return [card for card in kept(customer) if not card.has_expired(on=today)]


def picked(booking: Booking, *, customer: Customer | None, public_id: str) -> SavedCard | None:
    """The offered card of this id; None for whatever else: somebody else's, removed, no id at all."""
    mine = offered(booking, customer=customer)
    return next((card for card in mine if str(card.public_id) == public_id), None)


def begin(*, customer: Customer) -> Begun:
    """Begin, or take up again, saving a card. A second click gets the same SetupIntent.

    Raises EmailNotVerified, GatewayUnknown and GatewayBusy (trying again is safe).
    """
    require_proof(customer)
    account = _account(customer)
    for _ in range(ATTEMPTS):
        setup = _open_setup(customer)
        found = _at_stripe(account, setup)
        if found is not None and found.is_open:
            return Begun(setup, gateway.publishable_key(account), found.client_secret)
    raise errors.GatewayBusy()


def secret_of(setup: CardSetup) -> str | None:
    """The client secret of a saving that can still be completed, asked of Stripe anew."""
    if not setup.stripe_setup_intent_id:
        return None
    found = gateway.retrieve_setup(_account(setup.customer), setup.stripe_setup_intent_id)
    return found.client_secret if found.is_open else None


def catch_up(customer: Customer) -> None:
    """Learn how a saving ended that nobody told us of yet; what cannot be known now is told later."""
    recent = Q(state=SetupState.OPEN, created_at__gt=clock.now() - FRESH) & ~Q(stripe_setup_intent_id="")
    setup = CardSetup.objects.filter(recent, customer=customer).first()
    if setup is None:
        return
    account = _account(customer)
    try:
        found = gateway.retrieve_setup(account, setup.stripe_setup_intent_id)
    except (errors.GatewayUnknown, errors.GatewayBusy):
        return
    if not found.is_open:
        noting.note_setup(account, found, said_at=clock.now())


def refresh(customer: Customer) -> None:
    """Read from Stripe which cards it keeps, as after a visit to its portal."""
    catch_up(customer)
    account = _account(customer)
    known = GatewayCustomer.objects.filter(gateway_account=account, customer=customer).first()
    if known is None:
        return
    asked_at = clock.now()
    try:
        found = gateway.cards_of(account, customer_id=known.stripe_customer_id)
    except (errors.GatewayUnknown, errors.GatewayBusy):
        return
    for card in found:
        noting.note_card(account, card, said_at=asked_at)
    gone = kept(customer).filter(created_at__lt=asked_at)
    for row in gone.exclude(stripe_payment_method_id__in=[card.id for card in found]):
        noting.note_detached(account, row.stripe_payment_method_id, said_at=asked_at)


def remove(*, card: SavedCard) -> None:
    """Let Stripe forget the card. Removed before: nothing happens. A lost answer raises; trying again is safe."""
    if card.detached_at is None:
        account = _account(card.customer)
        gateway.detach_card(account, card.stripe_payment_method_id)
        noting.note_detached(account, card.stripe_payment_method_id, said_at=clock.now())


def prefer(*, card: SavedCard) -> None:
    """Make it the one that is offered first, here and in Stripe's portal."""
    if card.gateway_customer is None or card.detached_at is not None:
        raise errors.CardNotUsable()
    account = _account(card.customer)
    cus = card.gateway_customer.stripe_customer_id
    gateway.prefer_card(account, customer_id=cus, payment_method_id=card.stripe_payment_method_id)
    noting.note_default(account, customer_id=cus, card_id=card.stripe_payment_method_id)


def portal(*, customer: Customer, return_url: str) -> str:
    """The address of Stripe's portal for this customer: who has it sees their cards, so nobody else gets it."""
    account = _account(customer)
    known = checkout.known_at_stripe(account, customer)
    try:
        return gateway.create_portal(account, customer_id=known.stripe_customer_id, return_url=return_url)
    except errors.GatewayRefused as refusal:
        if not refusal.lacks("customer"):
            raise
    checkout.forget_customer(account, known.stripe_customer_id)
    again = checkout.known_at_stripe(account, customer)
    return gateway.create_portal(account, customer_id=again.stripe_customer_id, return_url=return_url)


def _account(customer: Customer) -> GatewayAccount:
    return GatewayAccount.objects.select_related("merchant").get(merchant_id=customer.merchant_id)


def _open_setup(customer: Customer) -> CardSetup:
    """The row, kept before Stripe is asked; one whose key Stripe may have forgotten gives way to a new one."""
    with transaction.atomic():
        mine = CardSetup.objects.filter(customer=customer, state=SetupState.OPEN)
        mine.filter(created_at__lt=clock.now() - KEY_LIFE).update(state=SetupState.CANCELED)
        try:
            with transaction.atomic():
                return mine.get_or_create(
                    defaults={
                        "merchant_id": customer.merchant_id,
                        "customer": customer,
                        "consent": consent(customer.merchant),
                    }
                )[0]
        except IntegrityError:  # A second click was faster.
            return mine.get()


def _at_stripe(account: GatewayAccount, setup: CardSetup) -> facts.Setup | None:
    """The row's SetupIntent; None when it ended, or has to be asked for under another key: begin again."""
    if setup.stripe_setup_intent_id:
        found = gateway.retrieve_setup(account, setup.stripe_setup_intent_id)
        if not found.is_open:
            noting.note_setup(account, found, said_at=clock.now())
        return found
    known = checkout.known_at_stripe(account, setup.customer)
    try:
        made: facts.Setup | None = gateway.create_setup(
            account,
            key=f"setup:{setup.public_id}:{setup.attempt}",
            customer_id=known.stripe_customer_id,
            metadata={facts.SETUP_KEY: str(setup.public_id)},
        )
    except errors.GatewayStoredFailure:
        made = gateway.find_setup(
            account, customer_id=known.stripe_customer_id, setup_public_id=str(setup.public_id)
        )
    except errors.GatewayRefused as refusal:
        if not refusal.lacks("customer"):
            raise
        checkout.forget_customer(account, known.stripe_customer_id)
        made = None
    if made is None:  # Proven absent: another key may be used.
        CardSetup.objects.filter(pk=setup.pk, attempt=setup.attempt).update(attempt=F("attempt") + 1)
        return None
    CardSetup.objects.filter(pk=setup.pk).update(stripe_setup_intent_id=made.id)
    return made
