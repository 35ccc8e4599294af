"""The refund dialog against the sandbox: shown first, done by POST, once, by those who may, and told truthfully."""

import urllib.request
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from customers.models import Role
from payments.models import GatewayAccount, Payment, PaymentState, Refund, RefundState
from payments.tests import console_world
from payments.tests.console_world import World
from payments.tests.test_admin_scope import signed_in
from tests.fixtures import Sandbox

# The gateway refuses to be called inside a transaction, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    made = console_world.build("Harvest Table", rows=2)
    GatewayAccount.objects.filter(pk=made.account.pk).update(secret_key=settings.STRIPE_SECRET_KEY)
    return made


@pytest.fixture
def payment(world: World, sandbox: Sandbox) -> Payment:
    """A payment of 100.00 + 8.00 whose charge exists at the sandbox, so that it can really be refunded."""
    paid = world.payments[0]
    Payment.objects.filter(pk=paid.pk).update(stripe_charge_id=_charged(sandbox, amount=10_800))
    paid.refunds.all()
    return Payment.objects.get(pk=paid.pk)


def _charged(sandbox: Sandbox, *, amount: int, card: str = "pm_card_visa") -> str:
    body = {
        "amount": amount,
        "currency": "usd",
        "confirm": "true",
        "payment_method": card,
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    key = b64encode(f"{settings.STRIPE_SECRET_KEY}:".encode()).decode()
    request = urllib.request.Request(
        f"{sandbox.url}/v1/payment_intents",
        data=urlencode(body).encode(),
        headers={"Authorization": f"Basic {key}", "Stripe-Version": settings.STRIPE_API_VERSION},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        import json

        return str(json.load(answer)["latest_charge"])


def dialog(payment: Payment) -> str:
    return reverse("admin:payments_payment_refund", args=[payment.pk])


def entries(client: Client, payment: Payment, **changes: str) -> dict[str, str]:
    """What the dialog would send: its own values, with what the person typed, and the figures shown for that."""
    form = client.get(dialog(payment)).context["form"]
    sent = {
        "amount": str(form["amount"].value()),
        "cause": str(form["cause"].value()),
        "reason": "Two guests fewer",
        "request_key": str(form["request_key"].value()),
    }
    sent["amount"] = "100.00"
    sent.update(changes)
    shown = client.post(dialog(payment), {**sent, "_preview": "1"}).context["shown"]
    return {**sent, "shown": shown}


def new_refunds(payment: Payment) -> list[Refund]:
    return list(payment.refunds.exclude(state=RefundState.FAILED))


def told(client: Client, payment: Payment) -> str:
    page = client.get(reverse("admin:payments_payment_change", args=[payment.pk]))
    return " ".join(str(message) for message in page.context["messages"])


def test_looking_shows_what_will_happen_and_does_nothing(world: World, payment: Payment):
    client = signed_in(world.staff[Role.MANAGER])

    html = client.get(dialog(payment)).content.decode()

    for shown in ('value="100.00"', "$100.00", "$8.00", "$108.00", "Visa 4242", "Refund $108.00"):
        assert shown in html
    assert new_refunds(payment) == []


def test_a_refund_in_part_and_then_the_rest(world: World, payment: Payment):
    owner = world.staff[Role.OWNER]
    client = signed_in(owner)

    first = client.post(dialog(payment), entries(client, payment, amount="25.00"))
    words = told(client, payment)
    second = client.post(dialog(payment), entries(client, payment, amount="$75.00"))

    refunds = new_refunds(payment)
    assert first.status_code == second.status_code == 302
    assert "$27.00 went back to the customer." in words
    assert {(row.amount_minor, row.fee_minor, row.total_minor) for row in refunds} == {
        (2_500, 200, 2_700),
        (7_500, 600, 8_100),
    }
    assert all(row.state == RefundState.SUCCEEDED and row.reason == "Two guests fewer" for row in refunds)
    assert all(row.requested_by == owner for row in refunds)
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refunding_minor) == (10_800, 0)
    page = client.get(reverse("admin:payments_payment_change", args=[payment.pk]))
    assert page.context["actions_detail"] == []


def test_sending_the_form_twice_makes_one_refund(world: World, payment: Payment):
    client = signed_in(world.staff[Role.OWNER])
    sent = entries(client, payment)

    answers = [client.post(dialog(payment), sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(new_refunds(payment)) == 1


def test_the_dialog_leads_back_to_the_payment_when_it_was_opened_by_script(world: World, payment: Payment):
    client = signed_in(world.staff[Role.OWNER])

    answer = client.post(dialog(payment), entries(client, payment), headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == reverse("admin:payments_payment_change", args=[payment.pk])


def test_an_amount_typed_after_the_figures_were_shown_is_shown_first(world: World, payment: Payment):
    client = signed_in(world.staff[Role.OWNER])
    sent = entries(client, payment, amount="25.00")

    answer = client.post(dialog(payment), {**sent, "amount": "60.00"})

    assert answer.status_code == 200
    assert "The figures have changed" in answer.content.decode()
    assert "Refund $64.80" in answer.content.decode()
    assert new_refunds(payment) == []


def test_figures_of_a_form_that_another_refund_overtook_are_shown_anew(world: World, payment: Payment):
    client = signed_in(world.staff[Role.OWNER])
    waiting = entries(client, payment, amount="80.00")
    client.post(dialog(payment), entries(client, payment, amount="50.00"))

    answer = client.post(dialog(payment), waiting)

    assert answer.status_code == 200
    assert "$50.00 may still go back" in answer.content.decode()
    assert len(new_refunds(payment)) == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"amount": "0"}, "above zero"),
        ({"amount": "-5"}, "above zero"),
        ({"amount": "ten"}, "is not an amount"),
        ({"amount": "1.005"}, "has 2 decimal places"),
        ({"amount": "100.01"}, "may still go back"),
        ({"reason": "  "}, "This field is required"),
        ({"cause": "cancellation"}, "not one of the available choices"),
        ({"request_key": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_refunded_is_refused_in_words_and_nothing_changes(
    world: World, payment: Payment, changes: dict[str, str], complaint: str
):
    client = signed_in(world.staff[Role.OWNER])
    sent = {**entries(client, payment), **changes}

    answer = client.post(dialog(payment), sent)

    assert answer.status_code == 200
    assert complaint in answer.content.decode() or complaint in str(answer.context["form"].errors)
    payment.refresh_from_db()
    assert new_refunds(payment) == []
    assert (payment.refunded_minor, payment.refunding_minor) == (0, 0)


@pytest.mark.parametrize("role", [Role.CLERK, Role.VIEWER])
def test_clerks_and_viewers_have_no_dialog(world: World, payment: Payment, role: str):
    sent = entries(signed_in(world.staff[Role.OWNER]), payment)
    client = signed_in(world.staff[role])

    page = client.get(reverse("admin:payments_payment_change", args=[payment.pk]))

    assert page.context["actions_detail"] == []
    assert client.get(dialog(payment)).status_code == 403
    assert client.post(dialog(payment), sent).status_code == 403
    assert new_refunds(payment) == []


def test_staff_of_another_merchant_refund_nothing(world: World, payment: Payment):
    rival = console_world.build("Rival Kitchen", rows=1)
    sent = entries(signed_in(world.staff[Role.OWNER]), payment)
    client = signed_in(rival.staff[Role.OWNER])

    assert client.get(dialog(payment)).status_code in (403, 404)
    assert client.post(dialog(payment), sent).status_code in (403, 404)
    assert new_refunds(payment) == []


def test_a_superuser_without_membership_refunds_nothing(world: World, payment: Payment, admin_user: Any):
    sent = entries(signed_in(world.staff[Role.OWNER]), payment)

    assert signed_in(admin_user).post(dialog(payment), sent).status_code in (403, 404)
    assert new_refunds(payment) == []


def test_a_refund_needs_the_csrf_token(world: World, payment: Payment):
    sent = entries(signed_in(world.staff[Role.OWNER]), payment)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.staff[Role.OWNER])

    assert strict.post(dialog(payment), sent).status_code == 403
    assert new_refunds(payment) == []


def test_an_unpaid_payment_offers_no_refund(world: World, payment: Payment):
    console_world.grow(world, rows=3)
    unpaid = world.payments[4]
    assert unpaid.state == PaymentState.UNKNOWN
    client = signed_in(world.staff[Role.OWNER])

    page = client.get(reverse("admin:payments_payment_change", args=[unpaid.pk]))
    html = client.get(dialog(unpaid)).content.decode()

    assert page.context["actions_detail"] == []
    assert "never completed" in html
    assert 'name="_do"' not in html


def test_a_refund_whose_answer_is_lost_is_told_as_unknown(world: World, payment: Payment, sandbox: Sandbox):
    client = signed_in(world.staff[Role.OWNER])
    sent = entries(client, payment)
    break_refunds(sandbox)

    client.post(dialog(payment), sent)

    words = told(client, payment)
    assert "has not answered" in words
    assert "do not refund again" in words
    assert [row.state for row in new_refunds(payment)] == [RefundState.UNKNOWN]


def break_refunds(sandbox: Sandbox) -> None:
    """Every call that makes a refund ends in Stripe's own error, retries included."""
    sandbox.order_fault({"kind": "error_500_before", "method": "POST", "path": "/v1/refunds", "count": 10})


def test_a_refund_that_stripe_has_not_finished_is_told_as_on_its_way(
    world: World, payment: Payment, sandbox: Sandbox
):
    Payment.objects.filter(pk=payment.pk).update(
        stripe_charge_id=_charged(sandbox, amount=10_800, card="pm_card_pendingRefund")
    )
    client = signed_in(world.staff[Role.OWNER])

    client.post(dialog(payment), entries(client, payment))

    assert "is on its way" in told(client, payment)
    assert [row.state for row in new_refunds(payment)] == [RefundState.PENDING]


def test_a_refund_that_stripe_refuses_is_told_as_failed(world: World, payment: Payment):
    Payment.objects.filter(pk=payment.pk).update(stripe_charge_id="ch_unknownToStripe")
    client = signed_in(world.staff[Role.OWNER])
    sent = entries(client, payment)

    client.post(dialog(payment), sent)

    assert "failed, no money moved" in told(client, payment)
    assert (
        Refund.objects.filter(payment=payment, request_key=sent["request_key"]).get().state
        == RefundState.FAILED
    )
