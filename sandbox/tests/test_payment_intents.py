"""Payment intents as Stripe's own client sees them."""

from typing import Any

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, NO_REDIRECTS, PUBLISHABLE_KEY, Emulator

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("pm_card_radarBlock", "card_declined", "fraudulent"),
]


def test_a_paid_intent_has_a_charge_whose_fee_comes_a_moment_later(emulator: Emulator) -> None:
    intent = emulator.pay(
        metadata={"payment": "17"},
        description="Deposit",
        statement_descriptor_suffix="JULY",
        expand=["latest_charge"],
    )
    charge = intent.latest_charge
    assert (intent.status, intent.amount_received) == ("succeeded", 10800)
    assert (charge.balance_transaction, charge.metadata["payment"]) == (None, "17")
    assert charge.calculated_statement_descriptor == "SANDBOX* JULY"
    assert charge.payment_method_details.card.last4 == "4242"
    later = emulator.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
    transaction = later.balance_transaction
    assert (transaction.amount, transaction.fee, transaction.net) == (10800, 343, 10457)
    assert (transaction.type, transaction.status, transaction.source) == ("charge", "pending", charge.id)
    assert emulator.balance()["pending"] == 10457


def test_the_events_of_a_payment_hold_no_balance_transaction_until_the_charge_is_updated(
    emulator: Emulator,
) -> None:
    emulator.pay()
    events = list(reversed(emulator.v1.events.list().data))
    assert [event.type for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert events[0].data.object.status == "requires_payment_method"
    assert events[1].data.object.balance_transaction is None
    assert events[3].data.object.balance_transaction.startswith("txn_")
    assert events[3].data.previous_attributes.to_dict() == {"balance_transaction": None}


def test_a_slow_balance_transaction_comes_when_the_clock_reaches_it(emulator: Emulator) -> None:
    emulator.control("tuning", {"balance_transaction_delay": 60})
    intent = emulator.pay(expand=["latest_charge"])
    assert emulator.balance()["total"] == 0
    emulator.control("clock", {"advance": 61})
    assert emulator.v1.charges.retrieve(intent.latest_charge.id).balance_transaction
    assert emulator.balance()["total"] == 10457


def test_with_synchronous_capture_the_balance_transaction_is_in_the_answer(emulator: Emulator) -> None:
    intent = emulator.pay(capture_method="automatic", expand=["latest_charge"])
    assert intent.latest_charge.balance_transaction.startswith("txn_")


@pytest.mark.parametrize(("token", "code", "decline_code"), DECLINES)
def test_a_declined_card_leaves_the_intent_payable(
    emulator: Emulator, token: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        emulator.pay(payment_method=token)
    error = refusal.value.error
    assert error is not None
    assert error.payment_intent is not None
    assert (refusal.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    intent = emulator.v1.payment_intents.retrieve(error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.decline_code == decline_code
    assert (intent.latest_charge.status, intent.latest_charge.failure_code) == ("failed", code)
    assert emulator.event_types() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]
    paid = emulator.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


def test_3ds_passed_pays_and_is_told_on_the_charge(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_authenticationRequired", return_url="http://shop.test/back")
    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.url.startswith(f"{emulator.url}/3ds/{intent.id}?client_secret=")
    assert emulator.challenge(intent, outcome="pass")["status"] == "succeeded"
    paid = emulator.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert paid.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert paid.next_action is None


def test_3ds_failed_asks_for_another_card(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_authenticationRequired", use_stripe_sdk=True)
    assert intent.next_action.type == "use_stripe_sdk"
    emulator.challenge(intent, outcome="fail")
    failed = emulator.v1.payment_intents.retrieve(intent.id)
    assert (failed.status, failed.latest_charge) == ("requires_payment_method", None)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert emulator.event_types()[-1] == "payment_intent.payment_failed"


def test_a_card_may_pass_3ds_and_then_be_declined(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_threeDSecureRequiredChargeDeclined", use_stripe_sdk=True)
    emulator.challenge(intent, outcome="pass")
    declined = emulator.v1.payment_intents.retrieve(intent.id)
    assert declined.last_payment_error.decline_code == "generic_decline"
    assert emulator.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_off_session_a_card_that_needs_3ds_is_declined(emulator: Emulator) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        emulator.pay(payment_method="pm_card_authenticationRequired", off_session=True)
    assert refusal.value.code == "authentication_required"


def test_a_card_set_up_with_3ds_may_be_charged_off_session(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create()
    first = emulator.pay(
        payment_method="pm_card_authenticationRequiredOnSetup",
        customer=customer.id,
        setup_future_usage="off_session",
        use_stripe_sdk=True,
    )
    emulator.challenge(first, outcome="pass")
    saved = emulator.v1.customers.payment_methods.list(customer.id).data
    assert [method.card.last4 for method in saved] == ["3155"]
    second = emulator.pay(payment_method=saved[0].id, customer=customer.id, off_session=True)
    assert second.status == "succeeded"


def test_a_card_without_a_customer_pays_once(emulator: Emulator) -> None:
    method = emulator.pay().payment_method
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        emulator.pay(payment_method=method)
    assert emulator.balance()["total"] == 10457


def test_an_authorised_intent_is_captured_in_part(emulator: Emulator) -> None:
    intent = emulator.pay(capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 10800)
    assert emulator.balance()["total"] == 0
    captured = emulator.v1.payment_intents.capture(
        intent.id, {"amount_to_capture": 8000, "expand": ["latest_charge"]}
    )
    assert (captured.status, captured.amount_received) == ("succeeded", 8000)
    assert captured.latest_charge.amount_captured == 8000
    assert emulator.balance()["total"] == 8000 - 262
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.payment_intents.capture(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"


def test_an_authorisation_expires_after_a_week(emulator: Emulator) -> None:
    intent = emulator.pay(capture_method="manual")
    emulator.control("clock", {"advance": 7 * 24 * 3600 + 1})
    expired = emulator.v1.payment_intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "automatic")
    assert emulator.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]


def test_states_refuse_what_stripe_refuses(emulator: Emulator) -> None:
    paid = emulator.pay()
    attempts: list[tuple[Any, str]] = [
        (lambda: emulator.v1.payment_intents.confirm(paid.id), "already succeeded"),
        (lambda: emulator.v1.payment_intents.cancel(paid.id), "status of succeeded"),
        (lambda: emulator.v1.payment_intents.update(paid.id, {"amount": 500}), "status of succeeded"),
    ]
    for attempt, message in attempts:
        with pytest.raises(stripe.InvalidRequestError, match=message) as refusal:
            attempt()
        assert refusal.value.code == "payment_intent_unexpected_state"
    canceled = emulator.v1.payment_intents.cancel(
        emulator.v1.payment_intents.create(DEPOSIT).id, {"cancellation_reason": "abandoned"}
    )
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        emulator.v1.payment_intents.confirm(canceled.id, {"payment_method": "pm_card_visa"})


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 500, "currency": "zzz"}, None, "currency"),
        ({**DEPOSIT, "customer": "cus_absent"}, "resource_missing", "customer"),
        ({**DEPOSIT, "statement_descriptor_suffix": "<b>"}, None, "statement_descriptor_suffix"),
        ({**DEPOSIT, "statement_descriptor_suffix": "x" * 23}, None, "statement_descriptor_suffix"),
        ({**DEPOSIT, "off_session": True}, None, "off_session"),
        ({**DEPOSIT, "payment_method": "pm_card_visa", "confirm": True}, None, "return_url"),
        (
            {
                **DEPOSIT,
                **NO_REDIRECTS,
                "payment_method": "pm_card_visa",
                "confirm": True,
                "statement_descriptor": "SHOP",
            },
            None,
            "statement_descriptor",
        ),
        ({**DEPOSIT, **NO_REDIRECTS, "confirm": True}, "payment_intent_unexpected_state", None),
    ],
)
def test_what_stripe_refuses_at_creation_is_refused_and_leaves_nothing(
    emulator: Emulator, params: dict[str, Any], code: str | None, param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.payment_intents.create(params)
    assert (refusal.value.code, refusal.value.param) == (code, param)
    assert emulator.v1.payment_intents.list().data == []
    assert emulator.event_types() == []


def test_another_customers_card_is_refused(emulator: Emulator) -> None:
    owner, other = emulator.v1.customers.create(), emulator.v1.customers.create()
    method = emulator.v1.payment_methods.attach("pm_card_visa", {"customer": owner.id})
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        emulator.pay(payment_method=method.id, customer=other.id)
    assert emulator.pay(payment_method=method.id, customer=owner.id).status == "succeeded"


def test_a_card_that_declines_cannot_be_attached_but_0341_can(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create()
    with pytest.raises(stripe.CardError):
        emulator.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    attached = emulator.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError):
        emulator.pay(payment_method=attached.id, customer=customer.id)


def test_the_browser_pays_with_its_key_and_the_client_secret_only(emulator: Emulator) -> None:
    intent = emulator.v1.payment_intents.create({**DEPOSIT, "metadata": {"secret": "ours"}})
    form = {
        "client_secret": intent.client_secret,
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242 4242 4242 4242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "40",
        "payment_method_data[card][cvc]": "123",
        "use_stripe_sdk": "true",
    }
    path = f"/v1/payment_intents/{intent.id}"
    wrong = emulator.raw(
        f"{path}/confirm", key=PUBLISHABLE_KEY, form={**form, "client_secret": "pi_x_secret_y"}
    )
    assert (wrong.status, wrong.body["error"]["param"]) == (400, "client_secret")
    paid = emulator.raw(f"{path}/confirm", key=PUBLISHABLE_KEY, form=form)
    assert (paid.status, paid.body["status"]) == (200, "succeeded")
    assert {"metadata", "latest_charge", "customer"}.isdisjoint(paid.body)
    assert emulator.raw(path, key=PUBLISHABLE_KEY).status == 400
    seen = emulator.raw(f"{path}?client_secret={intent.client_secret}", key=PUBLISHABLE_KEY)
    assert seen.body["status"] == "succeeded"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"exp_month": "13"}, "invalid_expiry_month"),
        ({"exp_year": "2001"}, "invalid_expiry_year"),
        ({"number": "4012888888881881"}, "card_declined"),
    ],
)
def test_a_mistyped_card_is_refused_as_stripe_words_it(
    emulator: Emulator, change: dict[str, str], code: str
) -> None:
    typed = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"} | change
    form = {"type": "card"} | {f"card[{name}]": value for name, value in typed.items()}
    answer = emulator.raw("/v1/payment_methods", key=PUBLISHABLE_KEY, form=form)
    assert (answer.status, answer.body["error"]["code"]) == (402, code)


def test_card_numbers_are_refused_from_servers_and_never_logged(emulator: Emulator) -> None:
    form = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12"}
    answer = emulator.raw("/v1/payment_methods", form=form | {"card[exp_year]": "2040"})
    assert answer.status == 402
    assert "generally unsafe" in answer.body["error"]["message"]
    logged = emulator.control("requests?path=payment_methods")["requests"][0]
    assert logged["params"]["card"]["number"] == "…4242"
