"""A key of another account: noticed, told, not used, and forgotten when the right one is back."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from config.celery import ask_whose_keys
from config.schedule import EVERY
from payments import errors, gateway, handling, keys, tasks
from payments.models import DeskItem, DeskKind, GatewayAccount, Payment, WebhookEvent
from payments.tests.shop import Shop


def learned(shop: Shop) -> str:
    own = gateway.account_id(shop.account)
    GatewayAccount.objects.update(stripe_account_id=own)
    return own


def readyz() -> tuple[int, str]:
    answer = Client().get("/readyz")
    return answer.status_code, json.loads(answer.content)["stripe_keys"]


def test_a_key_of_another_account_is_told_and_never_used_until_the_right_one_is_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = learned(shop)
    assert keys.check() == 0
    assert readyz() == (200, "ok")
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(gateway, "account_id", lambda account: "acct_another")
        for _ in range(2):
            assert keys.check() == 1
    item = DeskItem.objects.get(kind=DeskKind.MODE_MISMATCH)
    assert item.evidence == {"ours": own, "found": "acct_another"}
    assert sum("acct_another" in line for line in caplog.messages) == 1
    assert readyz() == (200, "1 of another account")

    account = GatewayAccount.objects.select_related("merchant").get()
    with pytest.raises(errors.GatewayMisconfigured):
        gateway.balance(account, currency="usd")
    for event in shop.events():
        assert shop.post(event) == 200
    handling.work_off(tasks.handle)
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"pending"}
    payment.refresh_from_db()
    assert payment.received_minor == 0

    assert keys.check() == 0  # the right key again
    assert readyz() == (200, "ok")
    WebhookEvent.objects.update(due_at=WebhookEvent.objects.earliest("pk").received_at)
    handling.work_off(tasks.handle)
    payment.refresh_from_db()
    assert payment.received_minor == 10_800
    assert Payment.objects.count() == 1


def test_an_account_that_does_not_answer_or_was_never_learned_changes_nothing(
    shop: Shop, settings: Settings
) -> None:
    assert keys.check() == 0  # never learned
    learned(shop)
    settings.STRIPE_MAX_RETRIES = 0
    shop.fault("hangup_before", path="/v1/account", method="GET")
    assert keys.check() == 0
    assert GatewayAccount.objects.get().foreign_account_id == ""
    assert not DeskItem.objects.exists()


def test_a_worker_that_starts_asks_at_once() -> None:
    class Sent:
        names: list[str] = []

        def send_task(self, name: str, **_: object) -> None:
            self.names.append(name)

    class Consumer:
        app = Sent()

    ask_whose_keys(Consumer())
    assert Sent.names == ["payments.check_keys"]
    assert tasks.check_keys.name == "payments.check_keys"
    assert "payments.check_keys" in EVERY
