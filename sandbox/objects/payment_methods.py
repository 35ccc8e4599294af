"""Payment methods: cards, from test numbers (Stripe.js only) or from Stripe's `pm_card_…` tokens."""

from __future__ import annotations

from typing import Any

from sandbox import cards, errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.objects import customers
from sandbox.store import Object, private

RAW_NUMBERS = (
    "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that "
    "map to the test card you are using, see https://stripe.com/docs/testing."
)
NOT_A_TEST_CARD = (
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing."
)
USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. "
    "To use a PaymentMethod multiple times, you must attach it to a Customer first."
)
EMPTY_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def create(call: Call) -> Object:
    return make(call, wanted=call.params)


def read_typed(call: Call, typed: dict[str, Any]) -> dict[str, Any]:
    """`payment_method_data` of a browser: it may hold a card number, which the typed SDK parameters leave out."""
    return call.world.catalog.read(
        name="stripe.params._payment_method_create_params.PaymentMethodCreateParams",
        tree={"type": "card"} | typed,
        place="payment_method_data",
    )


def make(call: Call, *, wanted: dict[str, Any]) -> Object:
    """A new card from `card[number]` or `card[token]`; `wanted` is the API's payment_method(_data) hash."""
    if wanted.get("type", "card") != "card":
        raise errors.not_modelled(f"payment methods of type {wanted['type']}")
    given = wanted.get("card") or {}
    if "number" not in given:
        raise errors.StripeError(
            "Missing required param: card[number].", code="parameter_missing", param="card[number]"
        )
    if not call.publishable:
        raise errors.StripeError(RAW_NUMBERS, status=402)
    card = _test_card(given["number"])
    _check_expiry(call, month=given.get("exp_month"), year=given.get("exp_year"))
    return _stored(
        call, card=card, month=given["exp_month"], year=given["exp_year"], cvc=given.get("cvc"), wanted=wanted
    )


def _test_card(number: str) -> cards.TestCard:
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isdigit() or not cards.passes_luhn(digits) or len(digits) < 13:
        raise errors.CardError("Your card number is incorrect.", code="incorrect_number", param="number")
    card = cards.CARDS.get(digits)
    if card is None:
        raise errors.CardError(NOT_A_TEST_CARD, code="card_declined", decline_code="live_mode_test_card")
    return card


def _check_expiry(call: Call, *, month: Any, year: Any) -> None:
    today = call.world.clock.today()
    if not isinstance(month, int) or not 1 <= month <= 12:
        raise errors.CardError(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )
    full = year + 2000 if isinstance(year, int) and year < 100 else year
    if not isinstance(full, int) or not today.year <= full <= today.year + 50:
        raise errors.CardError(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    if full == today.year and month < today.month:
        raise errors.CardError(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )


def from_token(call: Call, token: str) -> Object:
    """A fresh payment method of the card that the `pm_card_…` token stands for."""
    card = cards.CARDS[cards.TOKENS[token]]
    year = call.world.clock.today().year + 1
    return _stored(call, card=card, month=12, year=year, cvc="123", wanted={})


def _stored(
    call: Call, *, card: cards.TestCard, month: int, year: int, cvc: Any, wanted: dict[str, Any]
) -> Object:
    billing = wanted.get("billing_details") or {}
    method: Object = {
        "id": ids.new("payment_method"),
        "object": "payment_method",
        "allow_redisplay": wanted.get("allow_redisplay", "unspecified"),
        "billing_details": {
            "address": EMPTY_ADDRESS | (billing.get("address") or {}),
            "email": billing.get("email") or None,
            "name": billing.get("name") or None,
            "phone": billing.get("phone") or None,
            "tax_id": None,
        },
        "card": _card(card, month=month, year=year + 2000 if year < 100 else year),
        "created": call.now,
        "customer": None,
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "type": "card",
    }
    private(method).update(number=card.number, cvc_given=bool(cvc))
    return call.save(method)


def _card(card: cards.TestCard, *, month: int, year: int) -> dict[str, Any]:
    return {
        "brand": card.network,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.network], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def behaviour(method: Object) -> cards.TestCard:
    """What this card does in tests."""
    return cards.CARDS[private(method)["number"]]


def find(call: Call, *, id: str, param: str = "payment_method") -> Object:
    """The payment method; a `pm_card_…` token makes a new one."""
    if id in cards.TOKENS:
        return from_token(call, id)
    return call.find(kind="payment_method", id=id, param=param)


def usable(call: Call, *, id: str) -> Object:
    """As `find`, but refuses one that was used up."""
    method = find(call, id=id)
    if private(method).get("consumed"):
        raise errors.StripeError(USED_UP)
    return method


def retrieve(call: Call) -> Object:
    return find(call, id=call.ids["id"], param="id")


def update(call: Call) -> Object:
    method = call.find(kind="payment_method", id=call.ids["id"])
    billing = call.params.get("billing_details") or {}
    address = billing.pop("address", None) or {}
    method["billing_details"]["address"] |= address
    method["billing_details"] |= {field: value or None for field, value in billing.items()}
    for field in ("exp_month", "exp_year"):
        if field in (call.params.get("card") or {}):
            method["card"][field] = call.params["card"][field]
    if "allow_redisplay" in call.params:
        method["allow_redisplay"] = call.params["allow_redisplay"]
    method["metadata"] = metadata.merged(current=method["metadata"], sent=call.params.get("metadata"))
    call.save(method)
    call.emit("payment_method.updated", method)
    return method


def attach(call: Call) -> Object:
    customer = customers.find(call, id=call.params["customer"])
    method = usable(call, id=call.ids["id"])
    if method["customer"] and method["customer"] != customer["id"]:
        raise errors.StripeError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    card = behaviour(method)
    if card.decline and not card.attaches:
        decline = cards.DECLINES[card.decline]
        raise errors.CardError(
            decline.message, code=decline.code, decline_code=decline.decline_code, param=decline.param
        )
    return attach_to(call, method=method, customer_id=customer["id"])


def attach_to(call: Call, *, method: Object, customer_id: str) -> Object:
    if method["customer"] == customer_id:
        return method
    method["customer"] = customer_id
    method["card"]["checks"]["cvc_check"] = "pass" if private(method)["cvc_given"] else None
    call.save(method)
    call.emit("payment_method.attached", method)
    return method


def detach(call: Call) -> Object:
    method = call.find(kind="payment_method", id=call.ids["id"])
    if method["customer"] is None:
        raise errors.StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_unexpected_state",
        )
    customer_id, method["customer"] = method["customer"], None
    private(method)["consumed"] = True
    call.save(method)
    _forget_default(call, customer_id=customer_id, method_id=method["id"])
    call.emit("payment_method.detached", method)
    return method


def _forget_default(call: Call, *, customer_id: str, method_id: str) -> None:
    customer = call.world.store.get(customer_id)
    if customer and customer["invoice_settings"]["default_payment_method"] == method_id:
        customer["invoice_settings"]["default_payment_method"] = None
        call.save(customer)


def page(call: Call) -> Object:
    wanted = call.ids.get("id") or call.params.get("customer")
    if not wanted:
        raise errors.StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    customer = customers.find(call, id=wanted)
    url = f"/v1/customers/{wanted}/payment_methods" if "id" in call.ids else "/v1/payment_methods"
    if call.params.get("type", "card") != "card":
        return listing.listed([], url=url)
    return listing.page(call, type="payment_method", url=url, matching={"customer": [customer["id"]]})


def retrieve_of_customer(call: Call) -> Object:
    customers.find(call, id=call.ids["id"])
    method = call.find(kind="payment_method", id=call.ids["method"])
    if method["customer"] != call.ids["id"]:
        raise errors.missing(kind="payment_method", id=call.ids["method"])
    return method
