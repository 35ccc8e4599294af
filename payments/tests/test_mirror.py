from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from djstripe import models as djstripe

from payments import endpoints, mirror
from payments.mirror import Outcome
from payments.models import MirrorRefetch, WebhookEndpoint, WebhookEvent
from payments.tests.stripe_events import ACCOUNT_ID, make_endpoint, make_event, post

pytestmark = pytest.mark.django_db

SECOND = 1_795_000_000


@pytest.fixture(autouse=True)
def _a_cold_cache():
    endpoints.forget()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    endpoint = make_endpoint()
    add_account(ACCOUNT_ID)
    return endpoint


def add_account(account_id: str) -> None:
    djstripe.Account.objects.create(id=account_id, djstripe_owner_account_id=account_id)


def arrives(
    obj: dict[str, Any], *, type: str = "", at: int = SECOND, secret: str = "", **more: Any
) -> mirror.Result:
    """What the mirror makes of an event about `obj` that Stripe created at `at`."""
    event = make_event(type=type or f"{obj['object']}.updated", object=obj, created=at, **more)
    assert post(event).status_code == 200
    row = WebhookEvent.objects.select_related("endpoint__gateway_account__merchant").get(
        stripe_event_id=event["id"]
    )
    return mirror.store(row)


def customer(id: str = "cus_1", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "object": "customer",
        "email": "guest@example.com",
        "livemode": False,
        "metadata": {},
        **more,
    }


def intent(id: str = "pi_1", **more: Any) -> dict[str, Any]:
    return {"id": id, "object": "payment_intent", "livemode": False, "status": "processing", **more}


def charge(id: str = "ch_1", **more: Any) -> dict[str, Any]:
    about = {"livemode": False, "amount": 10800, "currency": "usd", "status": "succeeded", "created": SECOND}
    return {"id": id, "object": "charge", **about, **more}


def refund(id: str = "re_1", **more: Any) -> dict[str, Any]:
    about = {"amount": 800, "currency": "usd", "created": SECOND, "charge": "ch_1"}
    return {"id": id, "object": "refund", **about, **more}


def marks() -> dict[str, str]:
    return dict(MirrorRefetch.objects.values_list("stripe_id", "reason"))


def test_an_object_is_stored_by_one_statement(endpoint):
    arrives(customer())
    event = make_event(type="payment_intent.created", object=intent(customer="cus_1"))
    post(event)
    row = WebhookEvent.objects.select_related("endpoint__gateway_account").get(stripe_event_id=event["id"])
    with CaptureQueriesContext(connection) as queries:
        assert mirror.store(row).outcome == Outcome.STORED
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 1, statements
    stored = djstripe.PaymentIntent.objects.get()
    assert (stored.customer_id, stored.djstripe_owner_account_id) == ("cus_1", ACCOUNT_ID)
    assert stored.stripe_data["status"] == "processing"


def test_an_older_state_never_overwrites_a_newer_one(endpoint):
    arrives(intent(status="succeeded"), at=SECOND + 5)
    result = arrives(intent(status="processing"), at=SECOND)
    assert result.outcome == Outcome.STALE
    assert djstripe.PaymentIntent.objects.get().stripe_data["status"] == "succeeded"
    assert not marks()


def test_a_newer_state_replaces_an_older_one(endpoint):
    arrives(intent(status="processing"), at=SECOND)
    assert arrives(intent(status="succeeded"), at=SECOND + 1).outcome == Outcome.STORED
    assert djstripe.PaymentIntent.objects.get().stripe_data["status"] == "succeeded"


def test_two_states_within_one_second_are_fetched_rather_than_guessed(endpoint):
    arrives(intent(status="processing"))
    assert arrives(intent(status="succeeded")).outcome == Outcome.MARKED
    assert marks() == {"pi_1": "two states within one second"}


def test_the_same_event_again_changes_and_marks_nothing(endpoint):
    arrives(intent())
    assert arrives(intent()).outcome == Outcome.STORED
    assert not marks()


def test_an_object_of_another_api_version_is_not_believed_but_fetched(endpoint):
    result = arrives(intent(), api_version="2020-08-27")
    assert result.outcome == Outcome.MARKED
    assert not djstripe.PaymentIntent.objects.exists()
    assert marks() == {"pi_1": "API version 2020-08-27"}


def test_a_relation_that_has_not_come_yet_is_left_empty_and_marked(endpoint):
    assert arrives(intent(customer="cus_1")).outcome == Outcome.MARKED
    assert djstripe.PaymentIntent.objects.get().customer_id is None
    assert marks() == {"pi_1": "missing: customer"}


def test_a_missing_balance_transaction_matters_to_nobody(endpoint):
    arrives(charge(balance_transaction="txn_1", payment_method="pm_1"))
    assert djstripe.Charge.objects.get().balance_transaction_id is None
    assert not marks()


def test_refunds_are_stored(endpoint):
    arrives(charge())
    assert arrives(refund(), type="refund.created").outcome == Outcome.STORED
    stored = djstripe.Refund.objects.get()
    assert (stored.amount, stored.charge_id, stored.currency) == (800, "ch_1", "usd")


def test_a_refund_before_its_charge_is_marked_since_it_cannot_stand_alone(endpoint):
    result = arrives(refund(), type="refund.created")
    assert result.outcome == Outcome.MARKED
    assert not djstripe.Refund.objects.exists()
    assert marks() == {"re_1": "a relation is missing"}


def test_a_row_of_another_account_is_refused(endpoint):
    add_account("acct_other")
    djstripe.Customer.objects.create(
        id="cus_1", djstripe_owner_account_id="acct_other", email="theirs@example.com"
    )
    assert arrives(customer(email="forged@example.com"), at=2_000_000_000).outcome == Outcome.REFUSED
    assert djstripe.Customer.objects.get().email == "theirs@example.com"


def test_a_row_never_points_to_another_accounts_row(endpoint):
    add_account("acct_other")
    djstripe.Customer.objects.create(id="cus_1", djstripe_owner_account_id="acct_other")
    arrives(intent(customer="cus_1"))
    assert djstripe.PaymentIntent.objects.get().customer_id is None


def test_a_row_without_owner_is_claimed_only_by_fetching(endpoint):
    djstripe.Customer.objects.create(id="cus_1")
    assert arrives(customer(), at=2_000_000_000).outcome == Outcome.MARKED
    later = datetime(2040, 1, 1, tzinfo=UTC)
    result = mirror.keep(endpoint.gateway_account, customer(), as_of=later)
    assert result.outcome == Outcome.STORED
    assert djstripe.Customer.objects.get().djstripe_owner_account_id == ACCOUNT_ID


def test_events_of_another_account_or_mode_are_not_mirrored(endpoint):
    assert arrives(customer(), account="acct_other").outcome == Outcome.NOT_MIRRORED
    assert arrives(customer(), livemode=True).outcome == Outcome.NOT_MIRRORED
    assert not djstripe.Customer.objects.exists()


def test_types_without_a_table_are_left_alone(endpoint):
    assert arrives({"id": "qt_1", "object": "quote"}).outcome == Outcome.NOT_MIRRORED
    assert arrives({"object": "balance"}).outcome == Outcome.NOT_MIRRORED


def test_the_accounts_own_row_is_made_when_it_is_not_there():
    make_endpoint()
    assert arrives(customer()).outcome == Outcome.STORED
    account = djstripe.Account.objects.get()
    assert (account.id, account.djstripe_owner_account_id) == (ACCOUNT_ID, ACCOUNT_ID)
    assert arrives({"id": ACCOUNT_ID, "object": "account", "country": "US"}).outcome == Outcome.STORED
    assert djstripe.Account.objects.get().stripe_data["country"] == "US"


def test_an_account_that_does_not_know_its_id_marks_what_comes():
    make_endpoint(account_id="")
    assert arrives(customer()).outcome == Outcome.MARKED
    assert marks() == {"cus_1": "our account's id is not known yet"}


def test_a_deleted_customer_stays_deleted_and_nobody_is_called(endpoint):
    arrives(customer())
    assert arrives(customer(), type="customer.deleted", at=SECOND).outcome == Outcome.STORED
    assert arrives(customer(), type="customer.updated", at=SECOND + 9).outcome == Outcome.STALE
    stored = djstripe.Customer.objects.get()
    assert stored.stripe_data["deleted"] is True
    assert stored.date_purged is not None
    assert not marks()


def test_a_detached_card_no_longer_belongs_to_the_customer(endpoint):
    arrives(customer())
    card = {"id": "pm_1", "object": "payment_method", "type": "card", "customer": "cus_1"}
    arrives(card, type="payment_method.attached")
    assert djstripe.PaymentMethod.objects.get().customer_id == "cus_1"
    arrives({**card, "customer": None}, type="payment_method.detached", at=SECOND + 1)
    assert djstripe.PaymentMethod.objects.get().customer_id is None


def test_what_the_payload_does_not_name_is_left_as_it_was(endpoint):
    arrives(customer())
    arrives(intent(customer="cus_1"))
    arrives(intent(status="succeeded"), at=SECOND + 1)
    assert djstripe.PaymentIntent.objects.get().customer_id == "cus_1"


def test_expanded_relations_are_read_by_their_id(endpoint):
    arrives(customer())
    arrives(intent(customer={"id": "cus_1", "object": "customer"}))
    assert djstripe.PaymentIntent.objects.get().customer_id == "cus_1"


def test_a_disputes_balance_transactions_are_stored_with_it(endpoint):
    moved = {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": -10800,
        "currency": "usd",
        "source": "dp_1",
    }
    arrives(charge())
    dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1", "balance_transactions": [moved]}
    assert arrives(dispute, type="charge.dispute.created").outcome == Outcome.STORED
    assert djstripe.BalanceTransaction.objects.get().amount == -10800


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("amount", [None, "many", 10**30])
def test_a_shape_that_the_tables_do_not_take_is_marked_and_raises_nothing(endpoint, amount):
    assert arrives(charge(amount=amount)).outcome == Outcome.MARKED
    assert marks() == {"ch_1": "it does not fit dj-stripe's columns"}


def test_the_order_of_arrival_does_not_matter(endpoint):
    story = [
        (customer(), "customer.created", SECOND),
        (intent(customer="cus_1"), "payment_intent.created", SECOND + 1),
        (charge(customer="cus_1", payment_intent="pi_1"), "charge.succeeded", SECOND + 2),
        (intent(customer="cus_1", status="succeeded"), "payment_intent.succeeded", SECOND + 3),
        (charge(customer="cus_1", payment_intent="pi_1", refunded=True), "charge.refunded", SECOND + 4),
        (refund(), "refund.created", SECOND + 4),
    ]
    for obj, type, at in [*reversed(story), *story]:
        arrives(obj, type=type, at=at)
    assert djstripe.PaymentIntent.objects.get().stripe_data["status"] == "succeeded"
    assert djstripe.Charge.objects.get().stripe_data["refunded"] is True
    assert djstripe.Refund.objects.get().charge_id == "ch_1"
    # What came before its relation is marked, for its relation to be looked up once more.
    assert set(marks()) == {"pi_1", "ch_1", "re_1"}


def test_marking_again_keeps_the_newest_moment(endpoint):
    arrives(intent(customer="cus_1"), at=SECOND)
    arrives(intent(customer="cus_1", status="succeeded"), at=SECOND + 60)
    (mark,) = MirrorRefetch.objects.all()
    assert mark.as_of == datetime.fromtimestamp(SECOND, tz=UTC) + timedelta(seconds=60)
