"""What a customer's page of saved cards shows: each card in words, and what saving one means. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from core import clock
from customers.models import Customer
from payments import cards, gateway
from payments.models import GatewayAccount, SavedCard
from payments.page_declines import ADVICE

BRANDS = {"amex": "American Express", "diners": "Diners Club", "unionpay": "UnionPay", "jcb": "JCB"}
# "Nothing was charged, and your date is still held" says too much where nothing is charged and no date is at stake.
_PAYING = " Nothing was charged, and your date is still held."
SAVING_ADVICE: Mapping[str, Mapping[str, str]] = {
    code: {
        "title": words["title"],
        "text": words["text"]
        .replace(_PAYING, "")
        .replace("confirm the payment when", "confirm when")
        .replace(" You will not be charged twice.", ""),
    }
    for code, words in ADVICE.items()
}


@dataclass(frozen=True, slots=True)
class ShownCard:
    """`words` name it for a reader who does not see the brand's mark: "Visa ending in 4242"."""

    brand: str
    last4: str
    words: str
    expiry_words: str
    has_expired: bool
    is_default: bool
    remove_href: str
    prefer_href: str


@dataclass(frozen=True, slots=True)
class CardsPage:
    cards: tuple[ShownCard, ...]
    may_save: bool
    consent: str
    publishable_key: str
    method_configuration: str
    currency: str
    begin_href: str
    return_path: str
    portal_href: str


def build(customer: Customer) -> CardsPage:
    """The page, in two queries."""
    merchant = customer.merchant
    account = GatewayAccount.objects.get(merchant_id=merchant.pk)
    return CardsPage(
        cards=tuple(_shown(card, zone=merchant.timezone) for card in cards.kept(customer)),
        may_save=customer.email_verified_at is not None,
        consent=cards.consent(merchant),
        publishable_key=gateway.publishable_key(account),
        method_configuration=settings.STRIPE_PAYMENT_METHOD_CONFIGURATION,
        currency=merchant.currency,
        begin_href=reverse("payments:account-cards-begin"),
        return_path=reverse("payments:account-cards"),
        portal_href=reverse("payments:account-cards-portal"),
    )


@dataclass(frozen=True, slots=True)
class OfferedCard:
    """A kept card to pay with: `value` is what the form sends."""

    value: str
    words: str
    expiry_words: str
    is_chosen: bool


def offered(booking: Booking, *, customer: Customer | None) -> tuple[OfferedCard, ...]:
    """What the pay page offers a signed-in customer before it asks for another card; the default one is chosen."""
    mine = cards.offered(booking, customer=customer)
    return tuple(
        OfferedCard(
            value=str(card.public_id),
            words=words_of(card),
            expiry_words=f"Expires {card.expiry}" if card.expiry else "",
            is_chosen=position == 0,
        )
        for position, card in enumerate(mine)
    )


def words_of(card: SavedCard) -> str:
    name = BRANDS.get(card.brand, card.brand.title()) or "Card"
    return f"{name} ending in {card.last4}" if card.last4 else name


def _shown(card: SavedCard, *, zone: str) -> ShownCard:
    has_expired = card.has_expired(on=clock.today(zone))
    names = {"public_id": card.public_id}
    return ShownCard(
        brand=BRANDS.get(card.brand, card.brand.title()) or "Card",
        last4=card.last4,
        words=words_of(card),
        expiry_words=f"{'Expired' if has_expired else 'Expires'} {card.expiry}" if card.expiry else "",
        has_expired=has_expired,
        is_default=card.is_default,
        remove_href=reverse("payments:account-card-remove", kwargs=names),
        prefer_href=reverse("payments:account-card-prefer", kwargs=names),
    )
