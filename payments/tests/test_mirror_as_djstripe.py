"""A mirrored row equals the row that dj-stripe's own sync makes of the same payload."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from django.db import transaction
from djstripe import models as djstripe

from core import clock
from payments import endpoints, mirror
from payments.mirror.shapes import MODELS
from payments.models import GatewayAccount
from payments.tests.stripe_events import make_endpoint

pytestmark = pytest.mark.django_db

OURS = {"djstripe_id", "djstripe_created", "djstripe_updated"}


@pytest.fixture
def v1(sandbox, settings, monkeypatch) -> Any:
    monkeypatch.setattr(stripe, "api_base", sandbox.url)
    client = stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": sandbox.url},
    )
    return client.v1


@pytest.fixture
def account(v1) -> GatewayAccount:
    endpoints.forget()
    return make_endpoint(account_id=v1.accounts.retrieve_current()["id"]).gateway_account


def plain(obj: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(obj.to_dict(for_json=True)))
    return told


@pytest.fixture
def objects(v1, sandbox) -> list[dict[str, Any]]:
    """Objects of every type that the sandbox models, related to each other, parents first."""
    customer = v1.customers.create({"email": "guest@example.com", "metadata": {"table": "7"}})
    card = v1.payment_methods.attach("pm_card_visa", {"customer": customer["id"]})
    intent = v1.payment_intents.create(
        {
            "amount": 10800,
            "currency": "usd",
            "customer": customer["id"],
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "payment_method": card["id"],
            "confirm": True,
        }
    )
    refund = v1.refunds.create({"charge": intent["latest_charge"], "amount": 800})
    session = v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": customer["id"],
            "success_url": "https://example.com/yes",
            "cancel_url": "https://example.com/no",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 100,
                        "product_data": {"name": "Deposit"},
                    },
                }
            ],
        }
    )
    invoice = v1.invoices.create({"customer": customer["id"], "default_payment_method": card["id"]})
    v1.invoices.add_lines(invoice["id"], {"lines": [{"amount": 5000, "description": "Extra guests"}]})
    v1.invoices.finalize_invoice(invoice["id"])
    sandbox.advance(seconds=60)
    return [
        plain(v1.accounts.retrieve_current()),
        plain(v1.customers.retrieve(customer["id"])),
        plain(v1.payment_methods.retrieve(card["id"])),
        plain(v1.payment_intents.retrieve(intent["id"])),
        *(plain(move) for move in v1.balance_transactions.list()["data"]),
        plain(v1.charges.retrieve(intent["latest_charge"])),
        plain(v1.refunds.retrieve(refund["id"])),
        plain(v1.checkout.sessions.retrieve(session["id"])),
        plain(v1.invoices.retrieve(invoice["id"])),
    ]


def other_objects() -> list[dict[str, Any]]:
    """Types that the sandbox does not model; the members that dj-stripe's columns come from."""
    about = {"livemode": False, "created": 1_795_000_000, "metadata": {"a": "b"}}
    product = {"id": "prod_1", "object": "product", "name": "Paella", "active": True, **about}
    price = {
        "id": "price_1",
        "object": "price",
        "active": True,
        "currency": "usd",
        "nickname": None,
        "lookup_key": None,
        "product": "prod_1",
        "unit_amount": 6500,
        "unit_amount_decimal": "6500",
        **about,
    }
    payout = {
        "id": "po_1",
        "object": "payout",
        "amount": 5000,
        "currency": "usd",
        "balance_transaction": None,
        "failure_balance_transaction": None,
        "destination": None,
        "original_payout": None,
        "reversed_by": None,
        "status": "paid",
        **about,
    }
    setup = {"id": "seti_1", "object": "setup_intent", "customer": None, "payment_method": None, **about}
    review = {"id": "prv_1", "object": "review", "open": True, "reason": "rule", **about}
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 5400,
        "charge": None,
        "payment_intent": None,
        "balance_transactions": [],
        "status": "needs_response",
        **about,
    }
    return [product, price, payout, setup, review, dispute]


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    """Every mirrored row, without what only says when we wrote it."""
    return {
        (object_type, row["id"]): {name: value for name, value in row.items() if name not in OURS}
        for object_type, model in MODELS.items()
        for row in model._default_manager.values()
    }


def undone(work: Callable[[], None]) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows that `work` leaves, and the tables as they were."""
    with transaction.atomic():
        work()
        found = rows()
        transaction.set_rollback(True)
    return found


def test_a_mirrored_row_is_dj_stripes_row(objects, account, settings):
    told = [*objects, *other_objects()]

    def sync() -> None:
        for obj in told:
            model: Any = MODELS[obj["object"]]
            body: Any = json.loads(json.dumps(obj))
            if obj["object"] == "invoice":  # whose lines dj-stripe reads as a list of the SDK's
                body = stripe.Invoice.construct_from(body, settings.STRIPE_SECRET_KEY)
            model.sync_from_stripe_data(body, api_key=settings.STRIPE_SECRET_KEY)

    def keep() -> None:
        for obj in told:
            assert mirror.keep(account, obj, as_of=clock.now()).outcome == mirror.Outcome.STORED, obj[
                "object"
            ]

    theirs, ours = undone(sync), undone(keep)
    assert ours.keys() == theirs.keys()
    for key, row in theirs.items():
        assert ours[key] == row, key
    assert {object_type for object_type, _ in ours} >= {
        "charge",
        "refund",
        "checkout.session",
        "payout",
        "invoice",
    }


def test_every_type_that_is_mirrored_is_a_stripe_type_of_that_name():
    models: dict[str, Any] = dict(MODELS)
    for object_type, model in models.items():
        assert issubclass(model, djstripe.StripeModel)
        assert object_type == model.stripe_class.OBJECT_NAME
