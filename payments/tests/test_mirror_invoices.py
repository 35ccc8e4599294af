"""Every event of an invoice's life, as the sandbox sends it: kept by the mirror, or ignored by name.

And dj-stripe's own sync takes the objects, too.
"""

import json
from typing import Any

import pytest
import stripe
from djstripe import models as djstripe

from core import clock
from payments import endpoints, events, mirror
from payments.models import MirrorRefetch, WebhookEndpoint, WebhookEvent
from payments.tests.stripe_events import make_endpoint, post
from tests.fixtures import Sandbox

pytestmark = pytest.mark.django_db

# dj-stripe has no table for them, or nobody reads it: their events are stored and counted, no more.
WITHOUT_ROWS = {"invoice_payment", "invoiceitem", "tax_rate"}


@pytest.fixture
def v1(sandbox: Sandbox, settings, monkeypatch) -> Any:
    monkeypatch.setattr(stripe, "api_base", sandbox.url)
    client = stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": sandbox.url},
    )
    return client.v1


@pytest.fixture
def endpoint(v1: Any) -> WebhookEndpoint:
    endpoints.forget()
    account_id = v1.accounts.retrieve_current()["id"]
    djstripe.Account.objects.create(id=account_id, djstripe_owner_account_id=account_id)
    return make_endpoint(account_id=account_id)


@pytest.fixture
def lived(v1: Any, sandbox: Sandbox) -> dict[str, str]:
    """Invoices in every state, and all that Stripe says about them on the way: name of the end -> id."""
    customer = v1.customers.create({"email": "guest@example.com"})["id"]
    rate = v1.tax_rates.create({"display_name": "Sales tax", "percentage": 8.75, "inclusive": False})["id"]
    cards = {
        token: v1.payment_methods.attach(f"pm_card_{token}", {"customer": customer})["id"]
        for token in ("visa", "chargeCustomerFail", "authenticationRequired")
    }

    def drafted(**params: Any) -> str:
        invoice = v1.invoices.create({"customer": customer, "default_tax_rates": [rate], **params})
        v1.invoice_items.create({"customer": customer, "invoice": invoice["id"], "amount": 10000})
        return str(invoice["id"])

    def opened(**params: Any) -> str:
        return str(v1.invoices.finalize_invoice(drafted(**params))["id"])

    ends = {"paid": opened(), "void": opened(), "uncollectible": opened(), "deleted": drafted()}
    ends["open"] = opened(collection_method="send_invoice", days_until_due=1)
    ends["draft"] = drafted()
    for token in ("chargeCustomerFail", "authenticationRequired"):
        with pytest.raises(stripe.CardError):
            v1.invoices.pay(ends["paid"], {"payment_method": cards[token]})
    v1.invoices.pay(ends["paid"], {"payment_method": cards["visa"]})
    v1.invoices.void_invoice(ends["void"])
    v1.invoices.mark_uncollectible(ends["uncollectible"])
    v1.invoices.send_invoice(ends["open"])
    v1.invoices.delete(ends["deleted"])
    sandbox.advance(seconds=2 * 24 * 3600)
    return ends


def told(v1: Any) -> list[dict[str, Any]]:
    """What Stripe says of the customer and of invoices, as it posts it, oldest first."""
    listed = v1.events.list({"limit": 100})["data"]
    found = [json.loads(json.dumps(event.to_dict(for_json=True))) for event in reversed(listed)]
    return [event for event in found if event["type"].startswith(("customer.created", "invoice", "tax_rate"))]


def test_every_event_of_invoices_is_mirrored_or_ignored_by_name(
    v1: Any, lived: dict[str, str], endpoint: WebhookEndpoint
) -> None:
    found = told(v1)
    assert {event["type"].removeprefix("invoice.") for event in found} == {
        "created", "updated", "finalized", "sent", "paid", "payment_succeeded", "payment_failed", "overdue",
        "payment_action_required", "voided", "marked_uncollectible", "deleted", "tax_rate.created",
        "invoice_payment.paid", "invoiceitem.created", "invoiceitem.deleted", "customer.created",
    }  # fmt: skip
    for event in found:
        assert post(event).status_code == 200
        row = WebhookEvent.objects.select_related("endpoint__gateway_account__merchant").get(
            stripe_event_id=event["id"]
        )
        outcome, type = mirror.store(row).outcome, event["type"]
        has_rows = event["data"]["object"]["object"] not in WITHOUT_ROWS
        assert (outcome == mirror.Outcome.NOT_MIRRORED) is not has_rows, type
        assert outcome != mirror.Outcome.REFUSED, type
        assert type in events.HANDLERS or events.mirrored(type) or not has_rows, type
    MirrorRefetch.objects.update(due_at=clock.now())
    mirror.refetch_due(limit=100)
    kept = {row.id: row.stripe_data for row in djstripe.Invoice.objects.all()}
    deleted = kept.pop(lived.pop("deleted"))
    assert deleted["deleted"] is True
    assert {end: kept[id]["status"] for end, id in lived.items()} == {end: end for end in lived}


def test_dj_stripes_own_sync_takes_invoices_their_items_and_rates(v1: Any, lived: dict[str, str]) -> None:
    for model in (djstripe.TaxRate, djstripe.Invoice, djstripe.InvoiceItem):
        listed = list(model.api_list())
        rows = [model.sync_from_stripe_data(body) for body in listed]
        assert listed
        assert [row.id for row in rows] == [body["id"] for body in listed]
    paid = djstripe.Invoice.objects.get(id=lived["paid"])
    assert (paid.customer.email, paid.stripe_data["amount_paid"]) == ("guest@example.com", 10875)
    assert djstripe.LineItem.objects.filter(stripe_data__invoice=paid.id).count() == 1
