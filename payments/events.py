"""What each type of Stripe's events leads to: a table from type to use case, or an explicit no.

A handler gets the account, the object and the event, calls one use case and answers with a few words. Every type that
matters is named here; one that is in neither table is ignored by name. May be called twice, in any order, at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from core import doorbell
from payments import (
    authorizations,
    balance,
    cards,
    checkout,
    desk,
    disputes,
    errors,
    facts,
    gateway,
    handling,
    progress,
    refunds,
    settlement,
)
from payments.models import DeskKind, GatewayAccount, WebhookEvent

READ_BALANCE_TASK = "payments.read_balance"


@dataclass(frozen=True)
class News:
    """One event about one object, believed: its signature, endpoint, account and mode were checked."""

    account: GatewayAccount
    obj: Mapping[str, Any]
    event_id: str
    said_at: datetime


Handler = Callable[[News], str]


def handle(event: WebhookEvent) -> handling.Handled:
    """Do what the event asks for, once however often it comes. Raises MustWait when something has to come first."""
    handler = HANDLERS.get(event.type)
    if handler is None:
        return handling.Handled(
            f"ignored: {'mirrored only' if mirrored(event.type) else 'not needed'}", ignored=True
        )
    account = event.endpoint.gateway_account  # loaded by the claim
    _refuse_strangers(account, event)
    news = News(account, _object(account, event), event.stripe_event_id, event.stripe_created)
    try:
        return handling.Handled(handler(news))
    except errors.NotYet as wait:
        raise handling.MustWait(str(wait)) from wait


def _refuse_strangers(account: GatewayAccount, event: WebhookEvent) -> None:
    """Test news on a live account, live news on a test one, or another account's: never handled, and a person is told.

    Once a day and account; the events stay, dead, and can be handled again when the keys are right.
    """
    if event.livemode != account.livemode:
        wrong = (
            "live mode, while our key is a test one" if event.livemode else "test mode, while our key is live"
        )
    elif event.account and account.stripe_account_id and event.account != account.stripe_account_id:
        wrong = "another account"
    else:
        return
    desk.raise_item(
        merchant=account.merchant,
        kind=DeskKind.MODE_MISMATCH,
        key=f"stranger:{account.pk}:{event.received_at:%Y-%m-%d}",
        summary=f"Stripe sends events of {wrong}: check the keys and the webhook endpoint",
        evidence={"event": event.stripe_event_id, "type": event.type, "livemode": event.livemode},
    )
    raise handling.Unacceptable(f"The event is of {wrong}.")


def _object(account: GatewayAccount, event: WebhookEvent) -> Mapping[str, Any]:
    """The event's object in our API version: one of another version is fetched again."""
    obj: Mapping[str, Any] = event.payload["data"]["object"]
    if event.api_version in ("", settings.STRIPE_API_VERSION) or obj.get("object") not in gateway.RESOURCES:
        return obj
    return gateway.retrieve(account, obj["object"], obj["id"])


def _intent_moved(news: News) -> str:
    intent = facts.from_intent(news.obj)
    return progress.note_intent(news.account, intent, said_at=news.said_at, event_id=news.event_id)


def _intent_succeeded(news: News) -> str:
    money = facts.received_by_intent(facts.from_intent(news.obj), said_at=news.said_at)
    return settlement.settle(news.account, money, event_id=news.event_id)


def _promise_moved(news: News) -> str:
    """An intent that is authorized, or over: the hold follows."""
    intent = facts.from_intent(news.obj)
    return authorizations.note(news.account, intent, said_at=news.said_at, event_id=news.event_id)


def _charge_succeeded(news: News) -> str:
    if promise := facts.promised_by_charge(news.obj):
        return authorizations.note_promise(news.account, promise, event_id=news.event_id)
    money = facts.received_by_charge(news.obj)
    if money is None:
        return "no money yet"
    return settlement.settle(news.account, money, event_id=news.event_id)


def _charge_failed(news: News) -> str:
    return progress.note_failed_charge(
        news.account,
        intent_id=str(news.obj.get("payment_intent") or ""),
        payment_public_id=(news.obj.get("metadata") or {}).get(facts.PAYMENT_KEY, ""),
        customer_id=str(news.obj.get("customer") or ""),
        decline=facts.declined_charge(news.obj),
    )


def _charge_expired(news: News) -> str:
    promise = facts.promised_by_charge(news.obj)
    return (
        authorizations.note_lapsed(news.account, promise, event_id=news.event_id)
        if promise
        else "nothing new"
    )


def _charge_updated(news: News) -> str:
    """The balance transaction has come: the ledger reads Stripe's balance soon rather than at the next beat."""
    if news.obj.get("balance_transaction"):
        doorbell.ring(READ_BALANCE_TASK)
        return "the balance will be read"
    return "nothing new"


def _refunds_tell(news: News) -> str:
    return "refund events tell"


def _refund(news: News) -> str:
    return refunds.record(news.account, facts.from_refund(news.obj), event_id=news.event_id)


def _session(news: News) -> str:
    return progress.note_session(news.account, facts.from_session(news.obj), event_id=news.event_id)


def _session_failed(news: News) -> str:
    return progress.note_session_failed(news.account, facts.from_session(news.obj), event_id=news.event_id)


def _card(news: News) -> str:
    return cards.note_card(news.account, facts.from_card(news.obj), said_at=news.said_at)


def _card_attached(news: News) -> str:
    card = facts.from_card(news.obj)
    return cards.note_card(news.account, card, said_at=news.said_at, is_first_word=True)


def _card_detached(news: News) -> str:
    return cards.note_detached(news.account, str(news.obj["id"]), said_at=news.said_at)


def _setup(news: News) -> str:
    return cards.note_setup(news.account, facts.from_setup(news.obj), said_at=news.said_at)


def _customer_updated(news: News) -> str:
    """The portal may have made another card the default."""
    preferred = (news.obj.get("invoice_settings") or {}).get("default_payment_method")
    return cards.note_default(news.account, customer_id=str(news.obj["id"]), card_id=facts.id_of(preferred))


def _dispute_closed(news: News) -> str:
    status = str(news.obj["status"])
    if status == "lost":
        # It may have been won since: late news must not book a loss that nobody has.
        status = str(gateway.retrieve(news.account, "dispute", str(news.obj["id"]))["status"])
    if status not in ("won", "lost"):
        return f"closed: {status}"
    return disputes.closed(
        news.account,
        dispute_id=str(news.obj["id"]),
        charge_id=facts.id_of(news.obj.get("charge")),
        is_lost=status == "lost",
    )


def _dispute_moved(news: News) -> str:
    """Stripe's balance moved with it: the ledger reads it soon rather than at the next beat."""
    doorbell.ring(READ_BALANCE_TASK)
    return "the balance will be read"


def _payout_moved(news: News) -> str:
    payout = facts.from_payout(gateway.retrieve(news.account, "payout", str(news.obj["id"])))
    return "booked" if balance.note(news.account, payout) else "nothing new"


def _customer_deleted(news: News) -> str:
    cards.forget(news.account, str(news.obj["id"]), said_at=news.said_at)
    known = checkout.forget_customer(news.account, str(news.obj["id"]))
    return "forgotten: the next payment makes a new one" if known else "not ours"


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session_failed,
    "checkout.session.expired": _session,
    "payment_intent.created": _intent_moved,
    "payment_intent.processing": _intent_moved,
    "payment_intent.requires_action": _intent_moved,
    "payment_intent.amount_capturable_updated": _promise_moved,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _intent_moved,
    "payment_intent.canceled": _promise_moved,
    "charge.succeeded": _charge_succeeded,
    "charge.captured": _charge_succeeded,
    "charge.expired": _charge_expired,
    "charge.failed": _charge_failed,
    "charge.updated": _charge_updated,
    "charge.refunded": _refunds_tell,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.closed": _dispute_closed,
    "charge.dispute.funds_withdrawn": _dispute_moved,
    "charge.dispute.funds_reinstated": _dispute_moved,
    "payout.paid": _payout_moved,
    "payout.failed": _payout_moved,
    "payout.canceled": _payout_moved,
    "customer.deleted": _customer_deleted,
    "customer.updated": _customer_updated,
    "payment_method.attached": _card_attached,
    "payment_method.detached": _card_detached,
    "payment_method.updated": _card,
    "setup_intent.succeeded": _setup,
    "setup_intent.setup_failed": _setup,
}

# Kept by the mirror; nothing else follows from them yet.
MIRRORED = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "invoice.voided",
        "invoice_payment.paid",
        "customer.created",
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "radar.early_fraud_warning.created",
        "review.opened",
        "review.closed",
        "account.updated",
        "account.application.deauthorized",
    }
)
MIRRORED_FAMILIES = ("product.", "price.", "customer.subscription.", "invoice.")


def mirrored(event_type: str) -> bool:
    """Whether the type is known and kept by the mirror alone."""
    return event_type in MIRRORED or event_type.startswith(MIRRORED_FAMILIES)
