"""The commands that set an installation up."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from customers.models import Membership, Merchant, Role
from payments import accounts, demo
from payments.models import GatewayAccount, WebhookEndpoint

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_the_demonstration_prints_its_sign_ins_once() -> None:
    lines = [line.split() for line in run("seed_demo").splitlines()]
    roles = {member.user.username: member.role for member in Membership.objects.select_related("user")}
    assert [(name, roles[name]) for name, _ in lines] == [(demo.OWNER, Role.OWNER), *demo.COLLEAGUES.items()]
    assert User.objects.get(is_superuser=True).username == demo.OWNER
    (username, password), *_others = lines
    user = User.objects.get(username=username)
    assert username == demo.OWNER
    assert user.check_password(password)
    assert user.is_staff
    assert user.is_superuser
    assert Membership.objects.get(user=user).role == Role.OWNER
    assert run("seed_demo") == ""


def test_the_demonstration_takes_a_given_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "grill-and-rice-9")
    run("seed_demo")
    assert all(user.check_password("grill-and-rice-9") for user in User.objects.all())
    run("seed_demo", "--password", "another-password-1")
    assert all(user.check_password("grill-and-rice-9") for user in User.objects.all())


def test_a_password_that_staff_may_not_have_is_refused_and_nothing_is_left() -> None:
    with pytest.raises(CommandError, match="password"):
        run("seed_demo", "--password", "password")
    assert not Merchant.objects.exists()
    assert not User.objects.exists()


def test_where_a_merchant_is_if_empty_changes_nothing() -> None:
    run("create_merchant", "Ours", "ours", "--email", "ours@example.com")
    assert run("seed_demo", "--if-empty") == ""
    assert Merchant.objects.get().slug == "ours"
    assert not User.objects.exists()


def test_the_demonstration_has_a_gateway_account_and_the_default_endpoint() -> None:
    run("seed_demo", "--if-empty")
    run("seed_demo")
    merchant = Merchant.objects.get()
    assert GatewayAccount.objects.get().merchant == merchant
    assert WebhookEndpoint.objects.get().is_default


def test_a_merchant_is_opened_with_account_endpoint_and_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_PASSWORD", "grill-and-rice-9")
    told = run(
        "create_merchant",
        "Ours",
        "ours",
        "--email",
        "ours@example.com",
        "--default",
        "--owner",
        "boss@example.com",
    )
    assert "Ours is open" in told
    merchant = Merchant.objects.get()
    assert merchant.is_default
    assert WebhookEndpoint.objects.get(is_default=True).gateway_account.merchant == merchant
    user = User.objects.get()
    assert user.check_password("grill-and-rice-9")
    assert not user.is_superuser
    assert Membership.objects.get(user=user, merchant=merchant).role == Role.OWNER


def test_a_second_merchant_is_told_to_bring_its_keys_and_gets_an_endpoint_of_its_own() -> None:
    run("create_merchant", "Ours", "ours", "--email", "ours@example.com", "--default")
    told = run("create_merchant", "Theirs", "theirs", "--email", "theirs@example.com")
    assert "Stripe keys" in told
    endpoint = WebhookEndpoint.objects.get(gateway_account__merchant__slug="theirs")
    assert not endpoint.is_default


@pytest.mark.parametrize(
    "arguments",
    [
        ("Ours", "ours", "--email", "ours@example.com"),
        ("Other", "other", "--email", "x@example.com", "--default"),
        ("Other", "other", "--email", "x@example.com", "--currency", "gold"),
        ("Other", "other", "--email", "x@example.com", "--owner", "not a name"),
    ],
)
def test_a_refused_merchant_leaves_nothing_behind(arguments: tuple[str, ...]) -> None:
    run("create_merchant", "Ours", "ours", "--email", "ours@example.com", "--default")
    with pytest.raises(CommandError):
        run("create_merchant", *arguments)
    assert Merchant.objects.count() == GatewayAccount.objects.count() == WebhookEndpoint.objects.count() == 1
    assert not User.objects.exists()


def test_opening_an_account_again_changes_nothing(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_" + "0" * 24
    run("create_merchant", "Ours", "ours", "--email", "ours@example.com", "--default")
    account = GatewayAccount.objects.get()
    assert account.livemode
    account.stripe_account_id = "acct_1"
    account.save()
    assert accounts.open_for(Merchant.objects.get()) == account
    assert WebhookEndpoint.objects.count() == 1
