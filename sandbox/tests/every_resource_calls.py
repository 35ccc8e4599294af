"""One of everything in a sandbox, and for each of its routes the typed call of Stripe's client that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import stripe

from sandbox.tests.support import DEPOSIT, LINE, NO_REDIRECTS, PUBLISHABLE_KEY, Emulator, card

More = dict[str, Any]
Bound = Callable[[More], Any]


@dataclass
class Shop:
    """A sandbox in which there is one of everything; each is made when a call first asks for it."""

    emulator: Emulator

    @property
    def v1(self) -> Any:
        return self.emulator.v1

    @cached_property
    def browser(self) -> Any:
        return stripe.StripeClient(PUBLISHABLE_KEY, base_addresses={"api": self.emulator.url}).v1

    @cached_property
    def customer(self) -> str:
        made = self.v1.customers.create({"email": "guest@example.com"}).id
        default = {"default_payment_method": self.saved_card(made)}
        self.v1.customers.update(made, {"invoice_settings": default})
        return str(made)

    def saved_card(self, customer: str = "") -> str:
        return str(self.v1.payment_methods.attach("pm_card_visa", {"customer": customer or self.customer}).id)

    @cached_property
    def intent(self) -> Any:
        return self.emulator.pay(payment_method="pm_card_bypassPending")

    @cached_property
    def charge(self) -> str:
        return str(self.intent.latest_charge)

    @cached_property
    def refund(self) -> str:
        return str(self.v1.refunds.create({"charge": self.charge, "amount": 100}).id)

    def dispute(self) -> str:
        made = self.emulator.control(f"charges/{self.emulator.pay().latest_charge}/dispute", {})
        return str(made["id"])

    @cached_property
    def warning(self) -> str:
        return str(self.emulator.control(f"charges/{self.charge}/early_fraud_warning", {})["id"])

    def begun(self, **more: Any) -> str:
        wanted = {**DEPOSIT, **NO_REDIRECTS, **more}
        return str(self.v1.payment_intents.create(wanted).id)

    def setup(self, **more: Any) -> str:
        return str(self.v1.setup_intents.create({**NO_REDIRECTS, **more}).id)

    def payout(self) -> str:
        return str(self.v1.payouts.create({"amount": 100, "currency": "usd"}).id)

    @cached_property
    def product(self) -> str:
        return str(self.v1.products.create({"name": "Paella"}).id)

    @cached_property
    def price(self) -> str:
        return str(self.v1.prices.create({**PRICED, "product": self.product}).id)

    @cached_property
    def rate(self) -> str:
        return str(self.v1.tax_rates.create(RATE).id)

    def item(self) -> str:
        made = {"customer": self.customer, "amount": 900, "currency": "usd"}
        return str(self.v1.invoice_items.create(made).id)

    def invoice(self, *, final: bool = False, **more: Any) -> str:
        id = str(self.v1.invoices.create({"customer": self.customer, **more}).id)
        self.v1.invoices.add_lines(id, ADDED)
        return str(self.v1.invoices.finalize_invoice(id).id) if final else id

    @cached_property
    def configuration(self) -> str:
        return str(self.v1.payment_method_configurations.create({"name": "Cards"}).id)

    @cached_property
    def endpoint(self) -> str:
        return str(self.v1.webhook_endpoints.create(HOOK).id)


PRICED: More = {"currency": "usd", "unit_amount": 5400}
HOOK: More = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.succeeded"]}
RATE: More = {"display_name": "Sales tax", "percentage": 8.75, "inclusive": False}
ADDED: More = {"lines": [{"description": "Dinner", "amount": 10800}]}
SENT_BY_MAIL: More = {"collection_method": "send_invoice", "days_until_due": 7}
SESSION: More = {"mode": "payment", "line_items": [LINE], "success_url": "http://shop.test/return"}


def of(
    service: Callable[[Any], Any], made: Callable[[Shop], Any] | None = None, **params: Any
) -> Callable[[Shop], Bound]:
    """A call of a method of the client, on the id that `made` gives if there is one."""

    def bound(shop: Shop) -> Bound:
        method, ids = service(shop.v1), [made(shop)] if made else []
        return lambda more: method(*ids, {**params, **more})

    return bound


CALLS: dict[str, Callable[[Shop], Bound]] = {
    "GET /account": lambda shop: lambda more: shop.v1.accounts.retrieve_current(more),
    "GET /accounts/{id}": of(
        lambda v1: v1.accounts.retrieve, lambda shop: shop.v1.accounts.retrieve_current().id
    ),
    "GET /balance": of(lambda v1: v1.balance.retrieve),
    "GET /balance_transactions": of(lambda v1: v1.balance_transactions.list, type="charge"),
    "GET /balance_transactions/{id}": of(
        lambda v1: v1.balance_transactions.retrieve,
        lambda shop: shop.v1.charges.retrieve(shop.charge).balance_transaction,
    ),
    "POST /billing_portal/sessions": lambda shop: (
        lambda more: shop.v1.billing_portal.sessions.create(
            {"customer": shop.customer, "return_url": "http://shop.test/account", **more}
        )
    ),
    "GET /charges": of(lambda v1: v1.charges.list),
    "GET /charges/{id}": of(lambda v1: v1.charges.retrieve, lambda shop: shop.charge),
    "POST /charges/{id}": of(lambda v1: v1.charges.update, lambda shop: shop.charge, description="Deposit"),
    "GET /charges/{charge}/refunds": lambda shop: (
        lambda more: stripe.Charge.list_refunds(shop.charge, **more)
    ),
    "GET /charges/{charge}/refunds/{id}": lambda shop: (
        lambda more: stripe.Charge.retrieve_refund(shop.charge, shop.refund, **more)
    ),
    "POST /checkout/sessions": of(lambda v1: v1.checkout.sessions.create, **SESSION),
    "GET /checkout/sessions": of(lambda v1: v1.checkout.sessions.list, status="open"),
    "GET /checkout/sessions/{id}": of(
        lambda v1: v1.checkout.sessions.retrieve, lambda shop: shop.emulator.session().id
    ),
    "POST /checkout/sessions/{id}": of(
        lambda v1: v1.checkout.sessions.update, lambda shop: shop.emulator.session().id, metadata={"a": "1"}
    ),
    "POST /checkout/sessions/{id}/expire": of(
        lambda v1: v1.checkout.sessions.expire, lambda shop: shop.emulator.session().id
    ),
    "GET /checkout/sessions/{id}/line_items": of(
        lambda v1: v1.checkout.sessions.line_items.list, lambda shop: shop.emulator.session().id
    ),
    "POST /customers": of(lambda v1: v1.customers.create, name="A Guest"),
    "GET /customers": of(lambda v1: v1.customers.list, email="guest@example.com"),
    "GET /customers/{id}": of(lambda v1: v1.customers.retrieve, lambda shop: shop.customer),
    "POST /customers/{id}": of(lambda v1: v1.customers.update, lambda shop: shop.customer, phone="+15550100"),
    "DELETE /customers/{id}": of(lambda v1: v1.customers.delete, lambda shop: shop.v1.customers.create().id),
    "GET /customers/{id}/payment_methods": of(
        lambda v1: v1.customers.payment_methods.list, lambda shop: shop.customer
    ),
    "GET /customers/{id}/payment_methods/{method}": lambda shop: (
        lambda saved: lambda more: shop.v1.customers.payment_methods.retrieve(shop.customer, saved, more)
    )(shop.saved_card()),
    "GET /disputes": of(lambda v1: v1.disputes.list),
    "GET /disputes/{id}": of(lambda v1: v1.disputes.retrieve, Shop.dispute),
    "POST /disputes/{id}": of(
        lambda v1: v1.disputes.update, Shop.dispute, evidence={"customer_name": "A Guest"}
    ),
    "POST /disputes/{id}/close": of(lambda v1: v1.disputes.close, Shop.dispute),
    "POST /invoiceitems": lambda shop: (
        lambda more: shop.v1.invoice_items.create(
            {"customer": shop.customer, "amount": 900, "currency": "usd", **more}
        )
    ),
    "GET /invoiceitems": of(lambda v1: v1.invoice_items.list),
    "GET /invoiceitems/{id}": of(lambda v1: v1.invoice_items.retrieve, Shop.item),
    "POST /invoiceitems/{id}": of(lambda v1: v1.invoice_items.update, Shop.item, amount=800),
    "DELETE /invoiceitems/{id}": of(lambda v1: v1.invoice_items.delete, Shop.item),
    "GET /invoice_payments": of(lambda v1: v1.invoice_payments.list),
    "GET /invoice_payments/{id}": of(
        lambda v1: v1.invoice_payments.retrieve,
        lambda shop: shop.v1.invoice_payments.list({"invoice": shop.invoice(final=True)}).data[0].id,
    ),
    "POST /invoices": lambda shop: lambda more: shop.v1.invoices.create({"customer": shop.customer, **more}),
    "GET /invoices": of(lambda v1: v1.invoices.list),
    "GET /invoices/{id}": of(lambda v1: v1.invoices.retrieve, Shop.invoice),
    "POST /invoices/{id}": of(lambda v1: v1.invoices.update, Shop.invoice, description="Dinner"),
    "DELETE /invoices/{id}": of(lambda v1: v1.invoices.delete, Shop.invoice),
    "POST /invoices/{id}/add_lines": of(lambda v1: v1.invoices.add_lines, Shop.invoice, **ADDED),
    "POST /invoices/{id}/finalize": of(lambda v1: v1.invoices.finalize_invoice, Shop.invoice),
    "GET /invoices/{id}/lines": of(lambda v1: v1.invoices.line_items.list, Shop.invoice),
    "POST /invoices/{id}/mark_uncollectible": of(
        lambda v1: v1.invoices.mark_uncollectible, lambda shop: shop.invoice(final=True)
    ),
    "POST /invoices/{id}/pay": of(lambda v1: v1.invoices.pay, lambda shop: shop.invoice(final=True)),
    "POST /invoices/{id}/send": of(
        lambda v1: v1.invoices.send_invoice, lambda shop: shop.invoice(final=True, **SENT_BY_MAIL)
    ),
    "POST /invoices/{id}/void": of(
        lambda v1: v1.invoices.void_invoice, lambda shop: shop.invoice(final=True)
    ),
    "GET /radar/early_fraud_warnings": of(lambda v1: v1.radar.early_fraud_warnings.list),
    "GET /radar/early_fraud_warnings/{id}": of(
        lambda v1: v1.radar.early_fraud_warnings.retrieve, lambda shop: shop.warning
    ),
    "GET /events": of(lambda v1: v1.events.list, type="charge.succeeded"),
    "GET /events/{id}": of(lambda v1: v1.events.retrieve, lambda shop: shop.v1.events.list().data[0].id),
    "POST /payment_intents": of(lambda v1: v1.payment_intents.create, **DEPOSIT),
    "GET /payment_intents": of(lambda v1: v1.payment_intents.list),
    "GET /payment_intents/{id}": of(lambda v1: v1.payment_intents.retrieve, Shop.begun),
    "POST /payment_intents/{id}": of(lambda v1: v1.payment_intents.update, Shop.begun, amount=5000),
    "POST /payment_intents/{id}/confirm": of(
        lambda v1: v1.payment_intents.confirm, Shop.begun, payment_method="pm_card_visa"
    ),
    "POST /payment_intents/{id}/cancel": of(
        lambda v1: v1.payment_intents.cancel, Shop.begun, cancellation_reason="abandoned"
    ),
    "POST /payment_intents/{id}/capture": of(
        lambda v1: v1.payment_intents.capture,
        lambda shop: shop.emulator.pay(capture_method="manual").id,
        amount_to_capture=5000,
    ),
    "POST /payment_method_configurations": of(
        lambda v1: v1.payment_method_configurations.create, name="Cards"
    ),
    "GET /payment_method_configurations": of(lambda v1: v1.payment_method_configurations.list),
    "GET /payment_method_configurations/{id}": of(
        lambda v1: v1.payment_method_configurations.retrieve, lambda shop: shop.configuration
    ),
    "POST /payment_method_configurations/{id}": of(
        lambda v1: v1.payment_method_configurations.update, lambda shop: shop.configuration, name="Only cards"
    ),
    "POST /payment_methods": lambda shop: (
        lambda more: shop.browser.payment_methods.create(
            {"type": "card", "card": card("4242424242424242"), **more}
        )
    ),
    "GET /payment_methods": lambda shop: (
        lambda more: shop.v1.payment_methods.list({"customer": shop.customer, **more})
    ),
    "GET /payment_methods/{id}": of(lambda v1: v1.payment_methods.retrieve, Shop.saved_card),
    "POST /payment_methods/{id}": of(
        lambda v1: v1.payment_methods.update, Shop.saved_card, metadata={"a": "1"}
    ),
    "POST /payment_methods/{id}/attach": lambda shop: (
        lambda more: shop.v1.payment_methods.attach("pm_card_mastercard", {"customer": shop.customer, **more})
    ),
    "POST /payment_methods/{id}/detach": of(lambda v1: v1.payment_methods.detach, Shop.saved_card),
    "POST /payouts": of(lambda v1: v1.payouts.create, amount=100, currency="usd"),
    "GET /payouts": of(lambda v1: v1.payouts.list),
    "GET /payouts/{id}": of(lambda v1: v1.payouts.retrieve, Shop.payout),
    "POST /payouts/{id}": of(lambda v1: v1.payouts.update, Shop.payout, metadata={"a": "1"}),
    "POST /payouts/{id}/cancel": of(lambda v1: v1.payouts.cancel, Shop.payout),
    "POST /prices": lambda shop: (
        lambda more: shop.v1.prices.create({**PRICED, "product": shop.product, **more})
    ),
    "GET /prices": of(lambda v1: v1.prices.list),
    "GET /prices/{id}": of(lambda v1: v1.prices.retrieve, lambda shop: shop.price),
    "POST /prices/{id}": of(lambda v1: v1.prices.update, lambda shop: shop.price, nickname="Adult"),
    "POST /products": of(lambda v1: v1.products.create, name="Tapas"),
    "GET /products": of(lambda v1: v1.products.list),
    "GET /products/{id}": of(lambda v1: v1.products.retrieve, lambda shop: shop.product),
    "POST /products/{id}": of(
        lambda v1: v1.products.update, lambda shop: shop.product, description="For ten"
    ),
    "DELETE /products/{id}": of(
        lambda v1: v1.products.delete, lambda shop: shop.v1.products.create({"name": "Not for long"}).id
    ),
    "POST /refunds": lambda shop: (
        lambda more: shop.v1.refunds.create({"charge": shop.charge, "amount": 50, **more})
    ),
    "GET /refunds": of(lambda v1: v1.refunds.list),
    "GET /refunds/{id}": of(lambda v1: v1.refunds.retrieve, lambda shop: shop.refund),
    "POST /refunds/{id}": of(lambda v1: v1.refunds.update, lambda shop: shop.refund, metadata={"a": "1"}),
    "POST /refunds/{id}/cancel": of(lambda v1: v1.refunds.cancel, lambda shop: shop.refund),
    "POST /setup_intents": of(lambda v1: v1.setup_intents.create, usage="off_session"),
    "GET /setup_intents": of(lambda v1: v1.setup_intents.list),
    "GET /setup_intents/{id}": of(lambda v1: v1.setup_intents.retrieve, Shop.setup),
    "POST /setup_intents/{id}": of(lambda v1: v1.setup_intents.update, Shop.setup, description="Keep"),
    "POST /setup_intents/{id}/confirm": of(
        lambda v1: v1.setup_intents.confirm, Shop.setup, payment_method="pm_card_visa"
    ),
    "POST /setup_intents/{id}/cancel": of(lambda v1: v1.setup_intents.cancel, Shop.setup),
    "POST /tax_rates": of(lambda v1: v1.tax_rates.create, **RATE),
    "GET /tax_rates": of(lambda v1: v1.tax_rates.list),
    "GET /tax_rates/{id}": of(lambda v1: v1.tax_rates.retrieve, lambda shop: shop.rate),
    "POST /tax_rates/{id}": of(lambda v1: v1.tax_rates.update, lambda shop: shop.rate, active=False),
    "POST /webhook_endpoints": of(lambda v1: v1.webhook_endpoints.create, **HOOK),
    "GET /webhook_endpoints": of(lambda v1: v1.webhook_endpoints.list),
    "GET /webhook_endpoints/{id}": of(lambda v1: v1.webhook_endpoints.retrieve, lambda shop: shop.endpoint),
    "POST /webhook_endpoints/{id}": of(
        lambda v1: v1.webhook_endpoints.update, lambda shop: shop.endpoint, description="Ours"
    ),
    "DELETE /webhook_endpoints/{id}": of(
        lambda v1: v1.webhook_endpoints.delete, lambda shop: shop.v1.webhook_endpoints.create(HOOK).id
    ),
}
