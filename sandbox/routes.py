"""The table of the API: method, path, the class its parameters are read by, its handler, who may call it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import modelled
from sandbox.call import Call
from sandbox.objects import (
    account,
    balance,
    capture,
    charges,
    checkout,
    configurations,
    customers,
    disputes,
    event_log,
    fraud_warnings,
    invoice_items,
    invoice_payments,
    invoice_states,
    invoices,
    payment_intents,
    payment_methods,
    payouts,
    portal,
    prices,
    products,
    refunds,
    setup_intents,
    tax_rates,
    webhook_endpoints,
)
from sandbox.store import Object

Handler = Callable[[Call], Object]


@dataclass(frozen=True, kw_only=True)
class Route:
    """`params` names a class under stripe.params; `browser` lets a publishable key in.

    `takes` are the parameters that the handler acts on. Stripe knows more: those are refused, not ignored.
    """

    method: str
    path: str
    params: str
    handler: Handler
    takes: frozenset[str]
    browser: bool = False

    @property
    def params_class(self) -> str:
        module, _, name = self.params.rpartition(".")
        return f"stripe.params.{module}.{name}" if module else f"stripe.params.{_module_of(name)}.{name}"


def _module_of(class_name: str) -> str:
    return "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def _route(spec: str, params: str, handler: Handler, *, browser: bool = False) -> Route:
    method, path = spec.split(" ")
    return Route(
        method=method,
        path="/v1" + path,
        params=params,
        handler=handler,
        takes=modelled.PARAMETERS.get(spec, frozenset()) | modelled.EVERYWHERE,
        browser=browser,
    )


SESSION = "checkout._session_{}_params.Session{}Params"
WARNING = "radar._early_fraud_warning_{}_params.EarlyFraudWarning{}Params"
PMC = "PaymentMethodConfiguration{}Params"

ROUTES: tuple[Route, ...] = (
    _route("GET /account", "AccountRetrieveParams", account.retrieve),
    _route("GET /accounts/{id}", "AccountRetrieveParams", account.retrieve),
    _route("GET /balance", "BalanceRetrieveParams", balance.retrieve),
    _route("GET /balance_transactions", "BalanceTransactionListParams", balance.page),
    _route(
        "GET /balance_transactions/{id}", "BalanceTransactionRetrieveParams", balance.retrieve_transaction
    ),
    _route(
        "POST /billing_portal/sessions",
        "billing_portal._session_create_params.SessionCreateParams",
        portal.create,
    ),
    _route("GET /charges", "ChargeListParams", charges.page),
    _route("GET /charges/{id}", "ChargeRetrieveParams", charges.retrieve),
    _route("POST /charges/{id}", "ChargeUpdateParams", charges.update),
    _route("GET /charges/{charge}/refunds", "ChargeListRefundsParams", refunds.page),
    _route("GET /charges/{charge}/refunds/{id}", "ChargeRetrieveRefundParams", refunds.retrieve),
    _route("POST /checkout/sessions", SESSION.format("create", "Create"), checkout.create),
    _route("GET /checkout/sessions", SESSION.format("list", "List"), checkout.page),
    _route("GET /checkout/sessions/{id}", SESSION.format("retrieve", "Retrieve"), checkout.retrieve),
    _route("POST /checkout/sessions/{id}", SESSION.format("update", "Update"), checkout.update),
    _route("POST /checkout/sessions/{id}/expire", SESSION.format("expire", "Expire"), checkout.expire),
    _route(
        "GET /checkout/sessions/{id}/line_items",
        SESSION.format("list_line_items", "ListLineItems"),
        checkout.items,
    ),
    _route("POST /customers", "CustomerCreateParams", customers.create),
    _route("GET /customers", "CustomerListParams", customers.page),
    _route("GET /customers/{id}", "CustomerRetrieveParams", customers.retrieve),
    _route("POST /customers/{id}", "CustomerUpdateParams", customers.update),
    _route("DELETE /customers/{id}", "CustomerDeleteParams", customers.delete),
    _route("GET /customers/{id}/payment_methods", "CustomerListPaymentMethodsParams", payment_methods.page),
    _route(
        "GET /customers/{id}/payment_methods/{method}",
        "CustomerRetrievePaymentMethodParams",
        payment_methods.retrieve_of_customer,
    ),
    _route("GET /disputes", "DisputeListParams", disputes.page),
    _route("GET /disputes/{id}", "DisputeRetrieveParams", disputes.retrieve),
    _route("POST /disputes/{id}", "DisputeUpdateParams", disputes.update),
    _route("POST /disputes/{id}/close", "DisputeCloseParams", disputes.close),
    _route("POST /invoiceitems", "InvoiceItemCreateParams", invoice_items.create),
    _route("GET /invoiceitems", "InvoiceItemListParams", invoice_items.page),
    _route("GET /invoiceitems/{id}", "InvoiceItemRetrieveParams", invoice_items.retrieve),
    _route("POST /invoiceitems/{id}", "InvoiceItemUpdateParams", invoice_items.update),
    _route("DELETE /invoiceitems/{id}", "InvoiceItemDeleteParams", invoice_items.delete),
    _route("GET /invoice_payments", "InvoicePaymentListParams", invoice_payments.page),
    _route("GET /invoice_payments/{id}", "InvoicePaymentRetrieveParams", invoice_payments.retrieve),
    _route("POST /invoices", "InvoiceCreateParams", invoices.create),
    _route("GET /invoices", "InvoiceListParams", invoices.page),
    _route("GET /invoices/{id}", "InvoiceRetrieveParams", invoices.retrieve),
    _route("POST /invoices/{id}", "InvoiceUpdateParams", invoices.update),
    _route("DELETE /invoices/{id}", "InvoiceDeleteParams", invoices.delete),
    _route("POST /invoices/{id}/add_lines", "InvoiceAddLinesParams", invoices.add_lines),
    _route("POST /invoices/{id}/finalize", "InvoiceFinalizeInvoiceParams", invoice_states.finalize),
    _route("GET /invoices/{id}/lines", "InvoiceListLinesParams", invoices.lines),
    _route(
        "POST /invoices/{id}/mark_uncollectible",
        "InvoiceMarkUncollectibleParams",
        invoice_states.mark_uncollectible,
    ),
    _route("POST /invoices/{id}/pay", "InvoicePayParams", invoice_states.pay),
    _route("POST /invoices/{id}/send", "InvoiceSendInvoiceParams", invoice_states.send),
    _route("POST /invoices/{id}/void", "InvoiceVoidInvoiceParams", invoice_states.void),
    _route("GET /radar/early_fraud_warnings", WARNING.format("list", "List"), fraud_warnings.page),
    _route(
        "GET /radar/early_fraud_warnings/{id}",
        WARNING.format("retrieve", "Retrieve"),
        fraud_warnings.retrieve,
    ),
    _route("GET /events", "EventListParams", event_log.page),
    _route("GET /events/{id}", "EventRetrieveParams", event_log.retrieve),
    _route("POST /payment_intents", "PaymentIntentCreateParams", payment_intents.create),
    _route("GET /payment_intents", "PaymentIntentListParams", payment_intents.page),
    _route(
        "GET /payment_intents/{id}", "PaymentIntentRetrieveParams", payment_intents.retrieve, browser=True
    ),
    _route("POST /payment_intents/{id}", "PaymentIntentUpdateParams", payment_intents.update),
    _route(
        "POST /payment_intents/{id}/confirm",
        "PaymentIntentConfirmParams",
        payment_intents.confirm,
        browser=True,
    ),
    _route("POST /payment_intents/{id}/cancel", "PaymentIntentCancelParams", payment_intents.cancel),
    _route("POST /payment_intents/{id}/capture", "PaymentIntentCaptureParams", capture.capture),
    _route("POST /payment_method_configurations", PMC.format("Create"), configurations.create),
    _route("GET /payment_method_configurations", PMC.format("List"), configurations.page),
    _route("GET /payment_method_configurations/{id}", PMC.format("Retrieve"), configurations.retrieve),
    _route("POST /payment_method_configurations/{id}", PMC.format("Update"), configurations.update),
    _route("POST /payment_methods", "PaymentMethodCreateParams", payment_methods.create, browser=True),
    _route("GET /payment_methods", "PaymentMethodListParams", payment_methods.page),
    _route("GET /payment_methods/{id}", "PaymentMethodRetrieveParams", payment_methods.retrieve),
    _route("POST /payment_methods/{id}", "PaymentMethodUpdateParams", payment_methods.update),
    _route("POST /payment_methods/{id}/attach", "PaymentMethodAttachParams", payment_methods.attach),
    _route("POST /payment_methods/{id}/detach", "PaymentMethodDetachParams", payment_methods.detach),
    _route("POST /payouts", "PayoutCreateParams", payouts.create),
    _route("GET /payouts", "PayoutListParams", payouts.page),
    _route("GET /payouts/{id}", "PayoutRetrieveParams", payouts.retrieve),
    _route("POST /payouts/{id}", "PayoutUpdateParams", payouts.update),
    _route("POST /payouts/{id}/cancel", "PayoutCancelParams", payouts.cancel),
    _route("POST /prices", "PriceCreateParams", prices.create),
    _route("GET /prices", "PriceListParams", prices.page),
    _route("GET /prices/{id}", "PriceRetrieveParams", prices.retrieve),
    _route("POST /prices/{id}", "PriceUpdateParams", prices.update),
    _route("POST /products", "ProductCreateParams", prices.create_product),
    _route("GET /products", "ProductListParams", products.page),
    _route("GET /products/{id}", "ProductRetrieveParams", products.retrieve),
    _route("POST /products/{id}", "ProductUpdateParams", products.update),
    _route("DELETE /products/{id}", "ProductDeleteParams", products.delete),
    _route("POST /refunds", "RefundCreateParams", refunds.create),
    _route("GET /refunds", "RefundListParams", refunds.page),
    _route("GET /refunds/{id}", "RefundRetrieveParams", refunds.retrieve),
    _route("POST /refunds/{id}", "RefundUpdateParams", refunds.update),
    _route("POST /refunds/{id}/cancel", "RefundCancelParams", refunds.cancel),
    _route("POST /setup_intents", "SetupIntentCreateParams", setup_intents.create),
    _route("GET /setup_intents", "SetupIntentListParams", setup_intents.page),
    _route("GET /setup_intents/{id}", "SetupIntentRetrieveParams", setup_intents.retrieve, browser=True),
    _route("POST /setup_intents/{id}", "SetupIntentUpdateParams", setup_intents.update),
    _route(
        "POST /setup_intents/{id}/confirm", "SetupIntentConfirmParams", setup_intents.confirm, browser=True
    ),
    _route("POST /setup_intents/{id}/cancel", "SetupIntentCancelParams", setup_intents.cancel),
    _route("POST /tax_rates", "TaxRateCreateParams", tax_rates.create),
    _route("GET /tax_rates", "TaxRateListParams", tax_rates.page),
    _route("GET /tax_rates/{id}", "TaxRateRetrieveParams", tax_rates.retrieve),
    _route("POST /tax_rates/{id}", "TaxRateUpdateParams", tax_rates.update),
    _route("POST /webhook_endpoints", "WebhookEndpointCreateParams", webhook_endpoints.create),
    _route("GET /webhook_endpoints", "WebhookEndpointListParams", webhook_endpoints.page),
    _route("GET /webhook_endpoints/{id}", "WebhookEndpointRetrieveParams", webhook_endpoints.retrieve),
    _route("POST /webhook_endpoints/{id}", "WebhookEndpointUpdateParams", webhook_endpoints.update),
    _route("DELETE /webhook_endpoints/{id}", "WebhookEndpointDeleteParams", webhook_endpoints.delete),
)


def _pattern(path: str) -> re.Pattern[str]:
    # `search` is a route of Stripe's of its own, not an id.
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>(?!search\\Z)[^/]+)", path) + r"\Z")


_COMPILED = [(route, _pattern(route.path)) for route in ROUTES]


def match(*, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for route, pattern in _COMPILED:
        if route.method == method:
            found = pattern.match(path)
            if found:
                return route, found.groupdict()
    return None
