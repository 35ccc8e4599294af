"""The derived schemas: they accept Stripe's shapes, refuse what Stripe would refuse, and agree with `jsonschema`."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from jsonschema import Draft202012Validator

from sandbox.routes import ROUTES
from sandbox.schema import forms
from sandbox.schema.catalog import BrokenResponse, Catalog, load
from sandbox.tests.reference_shapes import REMOVED_SINCE, SHAPES
from sandbox.tests.support import DEPOSIT, Emulator

MODELLED: tuple[str, ...] = (
    "account",
    "balance",
    "balance_transaction",
    "charge",
    "checkout.session",
    "customer",
    "event",
)
MODELLED += ("payment_intent", "payment_method", "payment_method_configuration", "refund", "webhook_endpoint")


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("schema"))


def official_verdict(catalog: Catalog, body: dict[str, Any]) -> bool:
    schema = {"$ref": f"#/$defs/{catalog.objects[body['object']]}", "$defs": catalog.definitions}
    return Draft202012Validator(schema).is_valid(body)


def our_verdict(catalog: Catalog, body: dict[str, Any]) -> bool:
    try:
        catalog.confirm(body)
    except BrokenResponse:
        return False
    return True


def mutations(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with one field removed, made unknown, or of another type, at every place in turn."""
    for path in list(paths(body)):
        for change in ("remove", "rename", "wrong type", "null"):
            copied = copy.deepcopy(body)
            holder: Any = copied
            for step in path[:-1]:
                holder = holder[step]
            value = holder.pop(path[-1])
            if change == "rename":
                holder["no_such_field"] = value
            elif change != "remove":
                holder[path[-1]] = None if change == "null" else ["of another type"]
            if "object" in copied and copied["object"] == body["object"]:
                yield copied


def paths(node: Any, base: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        for name, child in node.items():
            yield (*base, name)
            yield from paths(child, (*base, name))


def test_every_route_has_its_parameters_and_every_resource_its_class(catalog: Catalog) -> None:
    assert [route.params_class for route in ROUTES if route.params_class not in catalog.definitions] == []
    for route in ROUTES:
        browser_only = {"client_secret"} if route.browser else set()
        properties = set(catalog.definitions[route.params_class]["properties"])
        assert route.takes - properties - browser_only - {"expand"} == set(), route.path
    assert len(catalog.definitions) > 7000


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_stripes_own_shapes_pass(catalog: Catalog, name: str) -> None:
    catalog.confirm(SHAPES[name])
    assert official_verdict(catalog, SHAPES[name])


@pytest.mark.parametrize("name", sorted(REMOVED_SINCE))
def test_a_field_stripe_removed_is_refused(catalog: Catalog, name: str) -> None:
    for field, value in REMOVED_SINCE[name].items():
        with pytest.raises(BrokenResponse, match=field):
            catalog.confirm({**SHAPES[name], field: value})


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("charge", "status", "paid"),
        ("payment_intent", "status", "done"),
        ("payment_intent", "capture_method", "later"),
        ("event", "type", "charge.eaten"),
        ("refund", "amount", "100"),
        ("balance_transaction", "fee", 1.5),
        ("charge", "paid", 1),
    ],
)
def test_a_bad_enum_or_type_is_refused(catalog: Catalog, name: str, field: str, value: Any) -> None:
    with pytest.raises(BrokenResponse, match=field):
        catalog.confirm({**SHAPES[name], field: value})


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_our_validators_agree_with_jsonschema_on_every_small_damage(catalog: Catalog, name: str) -> None:
    schema = {"$ref": f"#/$defs/{catalog.objects[name]}", "$defs": catalog.definitions}
    official = Draft202012Validator(schema)
    damaged = list(mutations(SHAPES[name]))
    assert len(damaged) > 10
    differing = [one for one in damaged if our_verdict(catalog, one) != official.is_valid(one)]
    assert differing == []
    assert not all(our_verdict(catalog, one) for one in damaged)


def test_every_answer_of_the_sandbox_passes_jsonschema_too(emulator: Emulator, catalog: Catalog) -> None:
    customer = emulator.v1.customers.create({"email": "a@example.com"})
    paid = emulator.pay(customer=customer.id, setup_future_usage="off_session")
    emulator.v1.refunds.create({"payment_intent": paid.id, "amount": 100})
    emulator.pay(payment_method="pm_card_authenticationRequired", use_stripe_sdk=True)
    with pytest.raises(stripe.CardError):
        emulator.pay(payment_method="pm_card_chargeDeclined")
    session = emulator.session(customer=customer.id)
    emulator.pay_session(session.id)
    emulator.v1.payment_method_configurations.create({"name": "Cards"})
    seen = set()
    lists: tuple[str, ...] = (
        "balance_transactions",
        "charges",
        "checkout/sessions",
        "customers",
        "events",
        "payment_intents",
    )
    lists += (
        "payment_method_configurations",
        "refunds",
        "webhook_endpoints",
        f"customers/{customer.id}/payment_methods",
    )
    bodies = [body for name in lists for body in emulator.raw(f"/v1/{name}?limit=100").body["data"]]
    bodies += [emulator.raw("/v1/account").body, emulator.raw("/v1/balance").body]
    bodies += [event["data"]["object"] for event in bodies if event["object"] == "event"]
    for body in bodies:
        assert official_verdict(catalog, body), body
        seen.add(body["object"])
    assert seen == set(MODELLED)


@pytest.mark.parametrize(
    ("sent", "code", "param"),
    [
        ({**DEPOSIT, "colour": "red"}, "parameter_unknown", "colour"),
        (
            {**DEPOSIT, "shipping[name]": "x", "shipping[colour]": "red"},
            "parameter_unknown",
            "shipping[colour]",
        ),
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({**DEPOSIT, "capture_method": "later"}, None, "capture_method"),
        ({**DEPOSIT, "amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({**DEPOSIT, "confirm": "perhaps"}, None, "confirm"),
        ({**DEPOSIT, "metadata": "text"}, None, "metadata"),
        ({**DEPOSIT, "automatic_payment_methods[allow_redirects]": "never"}, "parameter_missing", None),
    ],
)
def test_a_request_stripe_would_refuse_is_refused(
    emulator: Emulator, sent: dict[str, Any], code: str | None, param: str | None
) -> None:
    answer = emulator.raw("/v1/payment_intents", form=sent)
    error = answer.body["error"]
    assert (answer.status, error["type"], error.get("code")) == (400, "invalid_request_error", code)
    assert error["param"] == (param or "automatic_payment_methods[enabled]")
    assert emulator.v1.payment_intents.list().data == []


def test_what_stripe_knows_and_the_sandbox_does_not_act_on_is_refused_in_words(emulator: Emulator) -> None:
    answer = emulator.raw("/v1/payment_intents", form={**DEPOSIT, "mandate": "mandate_1"})
    assert (answer.status, "does not model" in answer.body["error"]["message"]) == (400, True)


def test_forms_become_trees() -> None:
    text = "a=1&b[c][d]=2&e[]=x&e[]=y&f[1][g]=second&f[0][g]=first&h=&i[j]=%C3%A9+%26"
    assert forms.parse(text) == {
        "a": "1",
        "b": {"c": {"d": "2"}},
        "e": ["x", "y"],
        "f": [{"g": "first"}, {"g": "second"}],
        "h": "",
        "i": {"j": "é &"},
    }
