"""What Stripe tells of cards and of their saving, at any time and in any order: the newest word counts.

A card that was detached stays so: Stripe never attaches the same card object again. Never calls Stripe; each function
is one transaction that locks the Customer, so that exactly one card is the default.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from customers.models import Customer
from payments import facts
from payments.models import CardSetup, GatewayAccount, GatewayCustomer, SavedCard, SetupState


def note_setup(account: GatewayAccount, setup: facts.Setup, *, said_at: datetime) -> str:
    """How a saving ended: the card belongs to its customer, with the consent given."""
    row = _setup_of(account, setup)
    if row is None:
        return "not ours"
    mine = CardSetup.objects.filter(pk=row.pk)
    if setup.is_done:
        gateway_customer = account.customers.get(stripe_customer_id=setup.customer_id)
        mine.update(
            state=SetupState.SUCCEEDED,
            succeeded_at=row.succeeded_at or said_at,
            stripe_setup_intent_id=setup.id,
        )
        _keep(account, gateway_customer, setup.card_id, card=setup.card, said_at=said_at, setup=row)
        return "card kept"
    open_or_over = mine.exclude(state=SetupState.SUCCEEDED)
    if not setup.is_open:
        return "canceled" if open_or_over.update(state=SetupState.CANCELED) else "nothing new"
    open_or_over.update(last_error=setup.error_code[:80])
    return "noted: not saved"


def _setup_of(account: GatewayAccount, setup: facts.Setup) -> CardSetup | None:
    """Our row of this SetupIntent. Metadata alone proves nothing: it must be of that customer at Stripe."""
    rows = CardSetup.objects.filter(merchant_id=account.merchant_id)
    owner = (
        account.customers.filter(stripe_customer_id=setup.customer_id).first() if setup.customer_id else None
    )
    if owner is None:
        return None
    rows = rows.filter(customer_id=owner.customer_id)
    found = rows.filter(stripe_setup_intent_id=setup.id).first()
    if found is None and (uuid := _uuid(setup.setup_public_id)):
        found = rows.filter(public_id=uuid, stripe_setup_intent_id="").first()
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def note_card(
    account: GatewayAccount, card: facts.Card, *, said_at: datetime, is_first_word: bool = False
) -> str:
    """A card that Stripe attached to one of our customers, or changed (a new expiry).

    `is_first_word`: as it was when it was attached, which says nothing new of a card that is known. Stripe dates its
    events by whole seconds, so their dates alone would not tell.
    """
    owner = (
        account.customers.filter(stripe_customer_id=card.customer_id).first() if card.customer_id else None
    )
    if owner is None:
        return "not ours"
    _keep(account, owner, card.id, card=card, said_at=said_at, setup=None, is_first_word=is_first_word)
    return "card noted"


def note_detached(account: GatewayAccount, card_id: str, *, said_at: datetime) -> str:
    """Stripe let go of the card, for good."""
    card = SavedCard.objects.filter(merchant_id=account.merchant_id, stripe_payment_method_id=card_id).first()
    if card is None:
        return "not ours"
    with transaction.atomic():
        _lock(card.customer_id)
        mine = SavedCard.objects.filter(pk=card.pk, detached_at__isnull=True)
        is_new = mine.update(detached_at=said_at, is_default=False)
        _choose_default(card.customer_id)
    return "card removed" if is_new else "nothing new"


def note_default(account: GatewayAccount, *, customer_id: str, card_id: str) -> str:
    """The card that Stripe takes for this customer's invoices; it is offered first here too."""
    card = SavedCard.objects.filter(
        merchant_id=account.merchant_id,
        stripe_payment_method_id=card_id,
        gateway_customer__stripe_customer_id=customer_id,
        detached_at__isnull=True,
    ).first()
    if card is None or card.is_default:
        return "nothing new"
    with transaction.atomic():
        _lock(card.customer_id)
        SavedCard.objects.filter(customer_id=card.customer_id, is_default=True).update(is_default=False)
        SavedCard.objects.filter(pk=card.pk, detached_at__isnull=True).update(is_default=True)
    return "default card noted"


def forget(account: GatewayAccount, stripe_customer_id: str, *, said_at: datetime) -> None:
    """The customer was deleted at Stripe, and their cards with them."""
    rows = SavedCard.objects.filter(
        gateway_customer__gateway_account=account, gateway_customer__stripe_customer_id=stripe_customer_id
    )
    rows.filter(detached_at__isnull=True).update(detached_at=said_at, is_default=False)


def _keep(
    account: GatewayAccount,
    owner: GatewayCustomer,
    card_id: str,
    *,
    card: facts.Card | None,
    said_at: datetime,
    setup: CardSetup | None,
    is_first_word: bool = False,
) -> None:
    with transaction.atomic():
        _lock(owner.customer_id)
        row, _ = SavedCard.objects.get_or_create(
            merchant_id=account.merchant_id,
            stripe_payment_method_id=card_id,
            defaults={"customer_id": owner.customer_id, "gateway_customer": owner},
        )
        if row.customer_id != owner.customer_id:
            return  # A card has one customer for ever.
        if setup is not None:
            row.setup = row.setup or setup
        is_news = row.news_at is None or (said_at >= row.news_at and not is_first_word)
        if card is not None and is_news:
            row.brand, row.last4 = card.brand, card.last4
            row.exp_month, row.exp_year, row.news_at = card.exp_month, card.exp_year, said_at
        row.save(update_fields=["setup", "brand", "last4", "exp_month", "exp_year", "news_at"])
        _choose_default(owner.customer_id)


def _lock(customer_id: int) -> None:
    """One at a time for each customer, so that exactly one card is the default."""
    Customer.objects.select_for_update(of=("self",), no_key=True).get(pk=customer_id)


def _choose_default(customer_id: int) -> None:
    """The newest card, when the one that was is gone."""
    rows = SavedCard.objects.filter(customer_id=customer_id)
    rows.filter(is_default=True, gateway_customer__isnull=True).update(is_default=False)
    if rows.filter(is_default=True).exists():
        return
    usable = rows.filter(detached_at__isnull=True, gateway_customer__isnull=False)
    newest = usable.order_by("-id").values_list("pk", flat=True).first()
    if newest is not None:
        rows.filter(pk=newest).update(is_default=True)
