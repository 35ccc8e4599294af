from datetime import timedelta
from typing import Any

import pytest
import stripe
from djstripe import models as djstripe

from core import clock
from payments import endpoints, gateway, mirror
from payments.mirror import Outcome
from payments.mirror.storing import mark
from payments.models import BalanceCursor, GatewayAccount, MirrorRefetch
from payments.tests.stripe_events import make_endpoint
from payments.tests.test_mirror import arrives

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def v1(sandbox, settings) -> Any:
    """Stripe as its own client sees it."""
    settings.DOORBELL_ENABLED = False
    client = stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": sandbox.url},
    )
    return client.v1


@pytest.fixture
def account(v1, settings) -> GatewayAccount:
    endpoints.forget()
    account = make_endpoint(account_id=v1.accounts.retrieve_current()["id"]).gateway_account
    account.secret_key = settings.STRIPE_SECRET_KEY
    account.save()
    return account


def paid(v1: Any) -> dict[str, Any]:
    """A customer's intent, paid at once."""
    customer = v1.customers.create({"email": "guest@example.com"})
    return v1.payment_intents.create(
        {
            "amount": 10800,
            "currency": "usd",
            "customer": customer["id"],
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    ).to_dict(for_json=True)


def refetch() -> int:
    MirrorRefetch.objects.update(due_at=clock.now())
    return mirror.refetch_due()


@pytest.fixture
def no_calls(monkeypatch):
    def call(*_args):
        raise AssertionError("Stripe was called")

    monkeypatch.setattr(gateway, "retrieve", call)


def test_of_two_states_within_one_second_stripes_own_is_kept(account, v1):
    intent = paid(v1)
    arrives({**intent, "customer": None, "status": "processing"}, at=intent["created"])
    arrives({**intent, "customer": None, "status": "canceled"}, at=intent["created"])
    assert refetch() == 1
    assert djstripe.PaymentIntent.objects.get().stripe_data["status"] == "succeeded"
    assert not MirrorRefetch.objects.exists()


def test_what_a_refund_needs_is_fetched_with_it(account, v1):
    intent = paid(v1)
    refund = v1.refunds.create({"charge": intent["latest_charge"], "amount": 800}).to_dict(for_json=True)
    arrives(refund, type="refund.created", at=refund["created"])
    assert not djstripe.Refund.objects.exists()
    assert refetch() == 1
    stored = djstripe.Refund.objects.select_related("charge__payment_intent__customer").get()
    assert stored.charge.payment_intent.customer.email == "guest@example.com"
    assert not MirrorRefetch.objects.exists()


def test_a_relation_that_came_by_itself_costs_no_call(account, v1, no_calls):
    intent = paid(v1)
    arrives(intent, at=intent["created"])
    customer = v1.customers.retrieve(intent["customer"]).to_dict(for_json=True)
    arrives(customer, type="customer.created", at=customer["created"])
    assert djstripe.PaymentIntent.objects.get().customer_id is None
    assert refetch() == 1
    assert djstripe.PaymentIntent.objects.get().customer_id == intent["customer"]
    assert not MirrorRefetch.objects.exists()


def test_an_object_of_another_version_is_stored_as_we_know_it(account, v1):
    intent = paid(v1)
    arrives({"id": intent["id"], "object": "payment_intent", "charges": {}}, api_version="2020-08-27")
    refetch()
    assert "charges" not in djstripe.PaymentIntent.objects.get().stripe_data
    assert djstripe.Customer.objects.exists(), "its customer came with it"


def test_when_stripe_does_not_answer_the_mark_waits(account, v1, settings):
    intent = paid(v1)
    arrives({**intent, "customer": None}, at=intent["created"], api_version="2020-08-27")
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    settings.STRIPE_MAX_RETRIES = 0
    assert refetch() == 0
    (waiting,) = MirrorRefetch.objects.all()
    assert waiting.attempts == 1
    assert waiting.due_at > clock.now() + timedelta(seconds=20)


def test_an_object_that_stripe_does_not_have_is_forgotten(account, v1):
    mark(account, {"id": "pi_gone", "object": "payment_intent"}, reason="test", as_of=clock.now())
    assert refetch() == 1
    assert not MirrorRefetch.objects.exists()


def test_a_mark_made_while_fetching_is_not_lost(account, v1, monkeypatch):
    intent = paid(v1)
    original = gateway.retrieve

    def retrieve(account: GatewayAccount, object_type: str, object_id: str) -> Any:
        mark(account, intent, reason="once more", as_of=clock.now())
        return original(account, object_type, object_id)

    mark(account, intent, reason="test", as_of=clock.now())
    monkeypatch.setattr(gateway, "retrieve", retrieve)
    refetch()
    assert MirrorRefetch.objects.filter(stripe_id=intent["id"]).exists()


def test_two_workers_never_fetch_the_same_mark(account, v1):
    mark(account, {"id": "pi_gone", "object": "payment_intent"}, reason="test", as_of=clock.now())
    MirrorRefetch.objects.update(due_at=clock.now())
    mirror.refetch_due(limit=0)
    assert mirror.refetch_due() == 1
    assert mirror.refetch_due() == 0


def test_a_fetched_state_is_not_older_than_the_event_that_asked_for_it(account, v1):
    """Stripe's clock may be ahead of ours; in the sandbox it can be years ahead."""
    intent = paid(v1)
    ahead = int(clock.now().timestamp()) + 86_400 * 365
    arrives({**intent, "customer": None, "status": "processing"}, at=ahead)
    arrives({**intent, "customer": None, "status": "canceled"}, at=ahead)
    refetch()
    assert djstripe.PaymentIntent.objects.get().stripe_data["status"] == "succeeded"
    assert not MirrorRefetch.objects.exists()


def test_an_account_learns_its_own_id(account, v1):
    own = account.stripe_account_id
    GatewayAccount.objects.update(stripe_account_id="")
    assert arrives(paid(v1)).outcome == Outcome.MARKED
    assert mirror.learn_accounts() == 1
    assert GatewayAccount.objects.get().stripe_account_id == own
    refetch()
    assert djstripe.PaymentIntent.objects.get().djstripe_owner_account_id == own


def test_an_account_that_is_learned_anew_has_its_balance_read_from_the_beginning(account, v1):
    BalanceCursor.objects.create(gateway_account=account, last_id="txn_of_another_account")
    GatewayAccount.objects.update(stripe_account_id="")
    assert mirror.learn_accounts() == 1
    assert BalanceCursor.objects.get().last_id == ""
    BalanceCursor.objects.update(last_id="txn_of_this_one")
    assert mirror.learn_accounts() == 0
    assert BalanceCursor.objects.get().last_id == "txn_of_this_one"
