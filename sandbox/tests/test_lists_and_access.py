"""Expand, paging, filters, metadata, and who may ask for what."""

from typing import Any

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, PUBLISHABLE_KEY, SECRET_KEY, Emulator


def test_pages_follow_each_other_without_a_gap_in_both_directions(emulator: Emulator) -> None:
    made = [emulator.v1.customers.create({"name": str(number)}).id for number in range(7)]
    newest_first = made[::-1]
    assert [one.id for one in emulator.v1.customers.list({"limit": 3}).auto_paging_iter()] == newest_first
    page = emulator.v1.customers.list({"limit": 3, "starting_after": newest_first[2]})
    assert ([one.id for one in page.data], page.has_more) == (newest_first[3:6], True)
    back = emulator.v1.customers.list({"limit": 2, "ending_before": newest_first[3]})
    assert ([one.id for one in back.data], back.has_more) == (newest_first[1:3], True)
    assert emulator.v1.customers.list({"ending_before": newest_first[0]}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.customers.list({"limit": 101})
    assert refusal.value.param == "limit"


def test_a_page_has_one_direction(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({}).id
    intent = emulator.session()
    for page in (
        lambda both: emulator.v1.customers.list(dict.fromkeys(both, customer)),
        lambda both: emulator.v1.checkout.sessions.line_items.list(intent.id, dict.fromkeys(both, "li_1")),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="Received both"):
            page(("starting_after", "ending_before"))


def test_a_sessions_lines_come_in_pages(emulator: Emulator) -> None:
    one = {
        "price_data": {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Gyoza"}},
        "quantity": 1,
    }
    session = emulator.session(line_items=[one, one, one])
    lines = emulator.v1.checkout.sessions.line_items
    first = lines.list(session.id, {"limit": 2})
    assert (len(first.data), first.has_more) == (2, True)
    assert len({line.id for line in lines.list(session.id, {"limit": 2}).auto_paging_iter()}) == 3


def test_searching_is_refused_as_what_is_not_there(emulator: Emulator) -> None:
    for resource in (emulator.v1.customers, emulator.v1.products, emulator.v1.charges):
        with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
            resource.search({"query": "email:'a@example.com'"})
        assert refusal.value.http_status == 404


def test_lists_are_filtered_by_creation_and_by_what_they_belong_to(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({"email": "a@example.com"})
    early = emulator.pay(customer=customer.id)
    emulator.control("clock", {"advance": 1000})
    late = emulator.pay()
    between = {"created": {"gte": early.created, "lt": late.created}}
    intents = emulator.v1.payment_intents
    assert [one.id for one in intents.list(between).data] == [early.id]
    assert [one.id for one in intents.list({"created": {"gt": early.created}}).data] == [late.id]
    assert [one.id for one in intents.list({"created": late.created}).data] == [late.id]
    assert [one.id for one in intents.list({"customer": customer.id}).data] == [early.id]
    assert [one.payment_intent for one in emulator.v1.charges.list({"payment_intent": late.id}).data] == [
        late.id
    ]
    assert [one.id for one in emulator.v1.customers.list({"email": "a@example.com"}).data] == [customer.id]
    assert emulator.v1.customers.list({"email": "b@example.com"}).data == []
    assert len(emulator.v1.balance_transactions.list({"type": "charge", "currency": "usd"}).data) == 2
    source = emulator.v1.balance_transactions.list({"source": late.latest_charge}).data
    assert [one.source for one in source] == [late.latest_charge]
    some = emulator.v1.events.list({"types": ["charge.succeeded", "customer.created"]}).data
    assert [event.type for event in some] == ["charge.succeeded", "charge.succeeded", "customer.created"]


def test_expand_reaches_through_objects_and_lists(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({"email": "a@example.com"})
    intent = emulator.pay(customer=customer.id)
    page = emulator.v1.payment_intents.list(
        {"expand": ["data.latest_charge.balance_transaction", "data.customer"]}
    )
    assert page.data[0].latest_charge.balance_transaction.fee == 343
    assert page.data[0].customer.email == "a@example.com"
    deep = emulator.v1.charges.retrieve(intent.latest_charge, {"expand": ["payment_intent.payment_method"]})
    assert deep.payment_intent.payment_method.card.last4 == "4242"
    for path in ("amount", "nothing", "metadata.key"):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            emulator.v1.charges.retrieve(intent.latest_charge, {"expand": [path]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        emulator.v1.charges.retrieve(intent.latest_charge, {"expand": ["a.b.c.d.e"]})


def test_metadata_is_merged_key_by_key(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    update = emulator.v1.customers.update
    assert update(customer.id, {"metadata": {"b": "", "c": "3"}}).metadata.to_dict() == {"a": "1", "c": "3"}
    assert update(customer.id, {"metadata": ""}).metadata.to_dict() == {}
    for bad in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{number}": "v" for number in range(51)}):
        with pytest.raises(stripe.InvalidRequestError):
            update(customer.id, {"metadata": bad})


def test_a_deleted_customer_leaves_a_tombstone_and_its_cards_are_used_up(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({"email": "a@example.com"})
    method = emulator.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert emulator.v1.customers.delete(customer.id).deleted
    assert emulator.v1.customers.retrieve(customer.id).to_dict() == {
        "id": customer.id,
        "object": "customer",
        "deleted": True,
    }
    assert emulator.v1.customers.list().data == []
    for attempt in ({**DEPOSIT, "customer": customer.id}, {**DEPOSIT, "payment_method": method.id}):
        with pytest.raises(stripe.InvalidRequestError):
            emulator.v1.payment_intents.create(attempt)


def test_a_detached_card_cannot_pay(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create()
    method = emulator.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    emulator.v1.payment_methods.detach(method.id)
    assert emulator.v1.customers.payment_methods.list(customer.id).data == []
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        emulator.pay(payment_method=method.id)


def test_configurations_and_endpoints_are_kept(emulator: Emulator) -> None:
    made = emulator.v1.payment_method_configurations.create(
        {"name": "Cards", "link": {"display_preference": {"preference": "off"}}}
    )
    assert (made.card.available, made.link.available) == (True, False)
    assert {one.is_default for one in emulator.v1.payment_method_configurations.list().data} == {True, False}
    intent = emulator.v1.payment_intents.create({**DEPOSIT, "payment_method_configuration": made.id})
    assert intent.payment_method_configuration_details.id == made.id
    endpoint = emulator.v1.webhook_endpoints.create(
        {"url": "https://shop.test/hook", "enabled_events": ["*"]}
    )
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in emulator.v1.webhook_endpoints.retrieve(endpoint.id)
    emulator.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    assert emulator.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled"
    assert emulator.v1.webhook_endpoints.delete(endpoint.id).deleted


def test_a_wrong_key_version_or_account_is_refused(emulator: Emulator) -> None:
    assert emulator.raw("/v1/account", key="sk_test_wrong").status == 401
    assert emulator.raw("/v1/account", Authorization="").status == 401
    old = emulator.raw("/v1/account", **{"Stripe-Version": "2020-08-27"})
    assert (old.status, "Invalid Stripe API version" in old.body["error"]["message"]) == (400, True)
    assert emulator.raw("/v1/account", **{"Stripe-Account": "acct_other"}).status == 403
    own = emulator.v1.accounts.retrieve_current().id
    assert emulator.raw("/v1/account", **{"Stripe-Account": own}).status == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/customers", None),
        ("/v1/refunds", {"charge": "ch_1"}),
        ("/v1/payment_intents", {"amount": "500"}),
    ],
)
def test_a_publishable_key_may_only_do_what_a_browser_must(emulator: Emulator, path: str, form: Any) -> None:
    answer = emulator.raw(path, key=PUBLISHABLE_KEY, form=form)
    assert (answer.status, answer.body["error"]["code"]) == (403, "secret_key_required")


def test_answers_carry_request_id_version_and_cors(emulator: Emulator) -> None:
    answer = emulator.raw("/v1/customers", form={"email": "a@example.com"}, Origin="http://shop.test")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["request-id"].startswith("req_")
    assert headers["stripe-version"] == "2026-08-26.dahlia"
    assert headers["access-control-allow-origin"] == "*"
    event = emulator.v1.events.list().data[0]
    assert event["request"]["id"] == headers["request-id"]


def test_an_unknown_path_and_a_missing_object_are_told_apart(emulator: Emulator) -> None:
    unknown = emulator.raw("/v1/subscriptions")
    assert (unknown.status, "Unrecognized request URL" in unknown.body["error"]["message"]) == (404, True)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.charges.retrieve("ch_absent")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_the_secret_key_is_nowhere_in_the_request_log(emulator: Emulator) -> None:
    emulator.v1.customers.create({"email": "a@example.com"})
    assert SECRET_KEY not in str(emulator.control("requests"))
