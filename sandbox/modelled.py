"""The parameters each route acts on. One that Stripe knows and the sandbox does not is refused, never ignored."""

from __future__ import annotations

EVERYWHERE = frozenset({"expand"})
PAGE = "limit starting_after ending_before "
METHOD = "payment_method payment_method_data "
INTENT = (
    "amount currency customer description metadata receipt_email setup_future_usage shipping statement_descriptor "
    "statement_descriptor_suffix transfer_group capture_method " + METHOD
)
CONFIRMING = "off_session return_url error_on_requires_action use_stripe_sdk "
PRODUCT = "description images metadata name shippable statement_descriptor unit_label url"
INVOICE = (
    "auto_advance automatic_tax automatically_finalizes_at collection_method custom_fields days_until_due "
    "default_payment_method default_tax_rates description due_date effective_at footer metadata number "
    "payment_settings rendering statement_descriptor "
)
INVOICE_ITEM = "amount description discountable metadata period quantity tax_rates "
TAX_RATE = "active country description display_name jurisdiction metadata state tax_type "
SETUP = "customer description metadata "
REFUSED_IN_WORDS = "transfer_data on_behalf_of application_fee_amount "
CONFIGURATION = "name card apple_pay google_pay link "
OTHER_METHODS = (
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact "
    "billie blik boleto cartes_bancaires cashapp crypto customer_balance eps fpx giropay grabpay ideal "
    "jcb kakao_pay klarna konbini kr_card mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 "
    "pay_by_bank payco paynow paypal payto pix promptpay revolut_pay samsung_pay satispay sepa_debit "
    "sofort swish twint us_bank_account wechat_pay zip"
)
CUSTOMER = (
    "address description email name phone shipping preferred_locales tax_exempt invoice_settings metadata"
)
SESSION = (
    "mode ui_mode line_items success_url cancel_url customer customer_email customer_creation "
    "client_reference_id metadata payment_intent_data expires_at payment_method_configuration "
    "payment_method_types submit_type locale custom_text allow_promotion_codes billing_address_collection "
    "subscription_data setup_intent_data invoice_creation discounts shipping_options optional_items "
    "automatic_tax adaptive_pricing after_expiration custom_fields shipping_address_collection"
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARAMETERS: dict[str, frozenset[str]] = {
    spec: _names(text)
    for spec, text in {
        "GET /balance_transactions": PAGE + "created currency payout source type",
        "GET /charges": PAGE + "created customer payment_intent",
        "POST /charges/{id}": "description receipt_email shipping transfer_group metadata",
        "GET /charges/{charge}/refunds": PAGE,
        "POST /checkout/sessions": SESSION,
        "GET /checkout/sessions": PAGE + "created customer customer_details payment_intent status",
        "POST /checkout/sessions/{id}": "metadata",
        "GET /checkout/sessions/{id}/line_items": PAGE,
        "POST /customers": CUSTOMER,
        "GET /customers": PAGE + "created email",
        "POST /customers/{id}": CUSTOMER,
        "GET /customers/{id}/payment_methods": PAGE + "type",
        "POST /billing_portal/sessions": "customer locale return_url",
        "POST /invoiceitems": INVOICE_ITEM + "currency customer invoice price_data pricing",
        "GET /invoiceitems": PAGE + "customer invoice pending",
        "POST /invoiceitems/{id}": "amount description metadata period quantity tax_rates",
        "GET /invoice_payments": PAGE + "created invoice payment status",
        "POST /invoices": INVOICE + "currency customer pending_invoice_items_behavior",
        "GET /invoices": PAGE + "collection_method created customer status",
        "POST /invoices/{id}": INVOICE,
        "POST /invoices/{id}/add_lines": "invoice_metadata lines",
        "POST /invoices/{id}/finalize": "auto_advance",
        "GET /invoices/{id}/lines": PAGE,
        "POST /invoices/{id}/pay": "off_session paid_out_of_band payment_method",
        "POST /tax_rates": TAX_RATE + "inclusive percentage",
        "GET /tax_rates": PAGE + "created",
        "POST /tax_rates/{id}": TAX_RATE,
        "GET /disputes": PAGE + "created charge payment_intent",
        "POST /disputes/{id}": "evidence metadata submit",
        "POST /payouts": "amount currency description metadata statement_descriptor",
        "GET /payouts": PAGE + "created status",
        "POST /payouts/{id}": "metadata",
        "POST /prices": "active currency lookup_key metadata nickname product product_data tax_behavior "
        "transfer_lookup_key unit_amount",
        "GET /prices": PAGE + "active created currency lookup_keys product",
        "POST /prices/{id}": "active lookup_key metadata nickname tax_behavior transfer_lookup_key",
        "POST /products": "active default_price_data id type " + PRODUCT,
        "GET /products": PAGE + "active created",
        "POST /products/{id}": "active default_price " + PRODUCT,
        "GET /radar/early_fraud_warnings": PAGE + "created charge payment_intent",
        "GET /events": PAGE + "created type types delivery_success",
        "POST /payment_intents": INTENT
        + CONFIRMING
        + REFUSED_IN_WORDS
        + "automatic_payment_methods confirm confirmation_method payment_method_configuration payment_method_options "
        "payment_method_types",
        "GET /payment_intents": PAGE + "created customer",
        "GET /payment_intents/{id}": "client_secret",
        "POST /payment_intents/{id}": INTENT,
        "POST /payment_intents/{id}/confirm": METHOD
        + CONFIRMING
        + "capture_method receipt_email setup_future_usage shipping",
        "POST /payment_intents/{id}/cancel": "cancellation_reason",
        "POST /payment_intents/{id}/capture": "amount_to_capture final_capture",
        "POST /payment_method_configurations": CONFIGURATION + OTHER_METHODS,
        "GET /payment_method_configurations": PAGE,
        "POST /payment_method_configurations/{id}": "active " + CONFIGURATION + OTHER_METHODS,
        "POST /payment_methods": "type card billing_details metadata allow_redisplay",
        "GET /payment_methods": PAGE + "customer type",
        "POST /payment_methods/{id}": "card billing_details metadata allow_redisplay",
        "POST /payment_methods/{id}/attach": "customer",
        "POST /refunds": "amount charge payment_intent reason metadata",
        "GET /refunds": PAGE + "created charge payment_intent",
        "POST /refunds/{id}": "metadata",
        "POST /setup_intents": METHOD
        + SETUP
        + "automatic_payment_methods confirm payment_method_configuration payment_method_options payment_method_types "
        "return_url use_stripe_sdk usage",
        "GET /setup_intents": PAGE + "created customer payment_method",
        "GET /setup_intents/{id}": "client_secret",
        "POST /setup_intents/{id}": METHOD + SETUP,
        "POST /setup_intents/{id}/confirm": METHOD + "return_url use_stripe_sdk",
        "POST /setup_intents/{id}/cancel": "cancellation_reason",
        "POST /webhook_endpoints": "url enabled_events description metadata api_version connect",
        "GET /webhook_endpoints": PAGE,
        "POST /webhook_endpoints/{id}": "url enabled_events description metadata disabled",
    }.items()
}
