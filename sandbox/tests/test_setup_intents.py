"""Cards kept for later: setup intents, saved cards, and payments without the customer."""

from typing import Any

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, NO_REDIRECTS, PUBLISHABLE_KEY, Emulator


def _customer(emulator: Emulator) -> str:
    return str(emulator.v1.customers.create({"email": "guest@example.com"}).id)


def _set_up(emulator: Emulator, customer: str, token: str = "pm_card_visa", **params: Any) -> Any:
    wanted = {"customer": customer, "payment_method": token, "confirm": True, **NO_REDIRECTS, **params}
    return emulator.v1.setup_intents.create(wanted)


def _charge_saved(emulator: Emulator, customer: str, method: str) -> Any:
    return emulator.pay(customer=customer, payment_method=method, off_session=True)


def test_a_card_set_up_is_the_customers_and_pays_without_them(emulator: Emulator) -> None:
    customer = _customer(emulator)
    setup = _set_up(emulator, customer, metadata={"booking": "7"})
    assert (setup.status, setup.usage, setup.metadata["booking"]) == ("succeeded", "off_session", "7")
    assert emulator.event_types()[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    methods = emulator.v1.customers.payment_methods.list(customer).data
    assert [method.id for method in methods] == [setup.payment_method]
    intent = _charge_saved(emulator, customer, setup.payment_method)
    assert (intent.status, intent.amount_received) == ("succeeded", 10800)
    assert _charge_saved(emulator, customer, setup.payment_method).status == "succeeded"


def test_card_3155_asks_once_at_set_up_and_then_pays_off_session(emulator: Emulator) -> None:
    customer = _customer(emulator)
    setup = _set_up(emulator, customer, "pm_card_authenticationRequiredOnSetup")
    assert (setup.status, setup.next_action.type) == ("requires_action", "use_stripe_sdk")
    done = emulator.challenge(setup, outcome="pass")
    assert (done["object"], done["status"]) == ("setup_intent", "succeeded")
    assert _charge_saved(emulator, customer, done["payment_method"]).status == "succeeded"


def test_card_3184_is_saved_yet_asks_for_its_owner_at_each_payment(emulator: Emulator) -> None:
    customer = _customer(emulator)
    setup = _set_up(emulator, customer, "pm_card_authenticationRequired")
    method = emulator.challenge(setup, outcome="pass")["payment_method"]
    with pytest.raises(stripe.CardError) as refusal:
        _charge_saved(emulator, customer, method)
    assert refusal.value.code == "authentication_required"
    error: Any = refusal.value.error
    intent = error.payment_intent
    assert (intent.status, intent.last_payment_error.payment_method.id) == ("requires_payment_method", method)
    assert emulator.balance()["total"] == 0
    again = emulator.v1.payment_intents.confirm(intent.id, {"payment_method": method})
    assert again.status == "requires_action"
    assert emulator.challenge(again, outcome="pass")["status"] == "succeeded"


def test_a_failed_challenge_saves_nothing_and_may_be_tried_again(emulator: Emulator) -> None:
    customer = _customer(emulator)
    setup = _set_up(emulator, customer, "pm_card_authenticationRequired")
    failed = emulator.challenge(setup, outcome="fail")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert emulator.event_types()[-1] == "setup_intent.setup_failed"
    assert emulator.v1.customers.payment_methods.list(customer).data == []
    again = emulator.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_mastercard"})
    assert (again.status, again.last_setup_error) == ("succeeded", None)


def test_a_card_that_is_declined_at_set_up_is_not_kept(emulator: Emulator) -> None:
    customer = _customer(emulator)
    with pytest.raises(stripe.CardError) as refusal:
        _set_up(emulator, customer, "pm_card_chargeDeclined")
    error: Any = refusal.value.error
    setup = error.setup_intent
    assert (refusal.value.code, setup.status) == ("card_declined", "requires_payment_method")
    assert emulator.v1.setup_intents.retrieve(setup.id).last_setup_error.decline_code == "generic_decline"
    assert emulator.v1.customers.payment_methods.list(customer).data == []


def test_card_0341_is_kept_and_then_declines(emulator: Emulator) -> None:
    customer = _customer(emulator)
    setup = _set_up(emulator, customer, "pm_card_chargeCustomerFail")
    assert setup.status == "succeeded"
    with pytest.raises(stripe.CardError, match="declined"):
        _charge_saved(emulator, customer, setup.payment_method)


def test_a_setup_intent_is_canceled_once_and_confirmed_no_more(emulator: Emulator) -> None:
    setup = emulator.v1.setup_intents.create({"customer": _customer(emulator)})
    assert setup.status == "requires_payment_method"
    canceled = emulator.v1.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert emulator.event_types()[-1] == "setup_intent.canceled"
    for refused in (
        lambda: emulator.v1.setup_intents.cancel(setup.id),
        lambda: emulator.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            refused()
        assert refusal.value.code == "setup_intent_unexpected_state"


def test_a_browser_confirms_with_the_client_secret_and_sees_no_customer(emulator: Emulator) -> None:
    setup = emulator.v1.setup_intents.create({"customer": _customer(emulator)})
    path = f"/v1/setup_intents/{setup.id}"
    assert emulator.raw(path, key=PUBLISHABLE_KEY).status == 400
    form = {"client_secret": setup.client_secret, "payment_method": "pm_card_visa"}
    answer = emulator.raw(f"{path}/confirm", key=PUBLISHABLE_KEY, form=form)
    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    assert "customer" not in answer.body
    assert "metadata" not in answer.body


def test_another_customers_card_is_refused(emulator: Emulator) -> None:
    method = _set_up(emulator, _customer(emulator)).payment_method
    other = _customer(emulator)
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        _set_up(emulator, other, method)
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        emulator.v1.payment_intents.create({**DEPOSIT, "customer": other, "payment_method": method})


def test_a_detached_card_is_gone_from_the_list_and_pays_no_more(emulator: Emulator) -> None:
    customer = _customer(emulator)
    method = _set_up(emulator, customer).payment_method
    assert emulator.v1.payment_methods.detach(method).customer is None
    assert emulator.v1.customers.payment_methods.list(customer).data == []
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        emulator.pay(customer=customer, payment_method=method, off_session=True)


def test_setup_intents_are_listed_by_customer_and_changed(emulator: Emulator) -> None:
    first, second = _customer(emulator), _customer(emulator)
    wanted = _set_up(emulator, first)
    _set_up(emulator, second)
    assert [one.id for one in emulator.v1.setup_intents.list({"customer": first}).data] == [wanted.id]
    changed = emulator.v1.setup_intents.update(wanted.id, {"metadata": {"seen": "yes"}})
    assert changed.metadata["seen"] == "yes"
    with pytest.raises(stripe.InvalidRequestError):
        emulator.v1.setup_intents.update(wanted.id, {"customer": second})
