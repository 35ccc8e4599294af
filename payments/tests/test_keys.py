"""A key of another account: noticed, told, not used, and forgotten when the right one is back."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bookings.tests.factories import MerchantFactory
from config.celery import ask_whose_keys
from config.schedule import EVERY
from customers.authentication import recent
from customers.models import Membership, Role
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


# Changing them ------------------------------------------------------------------------------------------


def stored() -> tuple[str, str, str, str]:
    account = GatewayAccount.objects.get()
    return (
        account.secret_key,
        account.publishable_key,
        account.stripe_account_id,
        account.endpoints.get().secrets,
    )


def test_new_keys_are_tried_stored_encrypted_and_signing_secrets_rotate(
    shop: Shop, settings: Settings
) -> None:
    own = gateway.account_id(shop.account)
    good = settings.STRIPE_SECRET_KEY
    keys.change(shop.account, secret_key=good, publishable_key=settings.STRIPE_PUBLISHABLE_KEY)
    assert stored()[:3] == (good, settings.STRIPE_PUBLISHABLE_KEY, own)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_key FROM payments_gatewayaccount")
        assert good not in cursor.fetchone()[0]
    for letter in "abc":
        keys.change(shop.account, webhook_secret="whsec_" + letter * 32)
    assert stored()[3].split() == ["whsec_" + "c" * 32, "whsec_" + "b" * 32]
    assert stored()[0] == good  # what was left empty stayed


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "publishable_key"),
        ({"secret_key": "pk_test_" + "x" * 24}, "secret_key"),
        ({"secret_key": "sk_test_" + "x" * 24}, "secret_key"),  # Stripe does not know it
        ({"publishable_key": "sk_test_" + "x" * 24}, "publishable_key"),
        ({"secret_key": "sk_live_" + "x" * 24, "publishable_key": "pk_test_" + "x" * 24}, "publishable_key"),
        ({"webhook_secret": "nonsense"}, "webhook_secret"),
    ],
)
def test_keys_that_cannot_be_used_change_nothing_and_are_not_repeated(
    shop: Shop, given: dict[str, str], field: str
) -> None:
    before = stored()
    with pytest.raises(keys.KeysRefused) as refusal:
        keys.change(shop.account, **given)
    assert list(refusal.value.fields) == [field]
    assert not any(value in str(refusal.value.fields) for value in given.values())
    assert stored() == before


def test_a_key_of_another_account_is_not_stored_and_the_right_one_ends_the_alarm(
    shop: Shop, settings: Settings
) -> None:
    GatewayAccount.objects.update(stripe_account_id="acct_of_the_books")
    account = GatewayAccount.objects.select_related("merchant").get()
    with pytest.raises(keys.KeysRefused):
        keys.change(account, secret_key=settings.STRIPE_SECRET_KEY)
    assert stored()[0] == ""
    GatewayAccount.objects.update(
        stripe_account_id=gateway.account_id(shop.account), foreign_account_id="acct_another"
    )
    account.refresh_from_db()
    keys.change(account, secret_key=settings.STRIPE_SECRET_KEY)
    assert GatewayAccount.objects.get().foreign_account_id == ""


def test_a_key_of_another_merchants_account_is_not_stored(shop: Shop, settings: Settings) -> None:
    learned(shop)
    other = GatewayAccount.objects.create(merchant=MerchantFactory.create())
    with pytest.raises(keys.KeysRefused) as refusal:
        keys.change(other, secret_key=settings.STRIPE_SECRET_KEY)
    assert "Another business here" in refusal.value.fields["secret_key"]
    other.refresh_from_db()
    assert (other.secret_key, other.stripe_account_id) == ("", "")
    keys.change(shop.account, secret_key=settings.STRIPE_SECRET_KEY)  # its own merchant may


def test_the_page_changes_keys_for_owners_alone_and_never_shows_one(shop: Shop, settings: Settings) -> None:
    page = reverse("admin:payments_gatewayaccount_keys", args=[shop.account.pk])
    shown = reverse("admin:payments_gatewayaccount_change", args=[shop.account.pk])
    good = settings.STRIPE_SECRET_KEY
    sent = {"secret_key": good, "webhook_secret": "whsec_" + "n" * 32}
    manager, owner = Client(), Client()
    for client, role in ((manager, Role.MANAGER), (owner, Role.OWNER)):
        user = User.objects.create_user(f"{role}@example.com", is_staff=True)
        Membership.objects.create(user=user, merchant=shop.merchant, role=role)
        client.force_login(user, backend="customers.authentication.backend.PasswordBackend")
    assert manager.get(page).status_code in (403, 404)
    assert manager.post(page, sent).status_code in (403, 404)
    assert owner.post(page, sent).status_code == 302  # not proven lately: nothing happens, nothing is kept
    assert good not in str(dict(owner.session))
    assert stored()[0] == ""

    with pytest.MonkeyPatch.context() as proven:
        proven.setattr(recent, "recently_authenticated", lambda request, **_: True)
        refused = owner.post(page, {"secret_key": "nonsense"})
        assert "nonsense" not in refused.content.decode()
        assert "That is not a secret" in refused.content.decode()
        assert owner.post(page, sent).status_code == 302
        html = owner.get(page).content.decode() + owner.get(shown).content.decode()
    assert stored()[0] == good
    assert "its own, stored encrypted" in html
    assert not any(secret in html for secret in sent.values())
