"""The merchant's settings, its staff and its customers, as their pages change them."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from customers.models import Customer, Membership, Merchant, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return Merchant.objects.create(name="Harvest Table", slug="harvest", email="hello@harvest.example")


@pytest.fixture
def owner(merchant: Merchant) -> User:
    return employed(merchant, role=Role.OWNER)


@pytest.fixture
def client(owner: User) -> Client:
    return signed_in(owner)


def employed(merchant: Merchant, *, role: str) -> User:
    user = User.objects.create_user(f"{merchant.slug}-{role}", is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def settings_form(client: Client, merchant: Merchant, **changes: str) -> dict[str, str]:
    """The page's own values with what was typed over them."""
    form = (
        client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).context["adminform"].form
    )
    kept = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in kept.items() if value not in (None, False)} | changes


def saved(client: Client, merchant: Merchant, **changes: str) -> str:
    """What the form complained about; empty when it was stored."""
    address = reverse("admin:customers_merchant_change", args=[merchant.pk])
    answer = client.post(address, settings_form(client, merchant, **changes))
    merchant.refresh_from_db()
    return str(answer.context["adminform"].form.errors) if answer.status_code == 200 else ""


def test_settings_are_written_in_percent_and_currency(client: Client, merchant: Merchant):
    assert saved(client, merchant, card_fee_rate="2.9", deposit_minor="250.00", hold_minutes="60") == ""

    assert merchant.card_fee_rate == Decimal("0.029")
    assert (merchant.deposit_minor, merchant.hold_minutes) == (25_000, 60)


def test_a_surcharge_above_three_percent_is_refused_and_the_page_says_why(client: Client, merchant: Merchant):
    page = client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).content.decode()

    complaint = saved(client, merchant, fee_presentation="surcharge", card_fee_rate="3.1")

    assert "card networks forbid" in page
    assert "above 3 %" in complaint
    assert merchant.fee_presentation == "discount"
    assert saved(client, merchant, fee_presentation="surcharge", card_fee_rate="3") == ""
    assert merchant.fee_presentation == "surcharge"


@pytest.mark.parametrize(
    ("field", "typed"), [("timezone", "Mars/Base"), ("locale", "xx_YY_zz_1"), ("card_fee_rate", "120")]
)
def test_settings_that_would_break_pages_are_refused(
    client: Client, merchant: Merchant, field: str, typed: str
):
    assert field in saved(client, merchant, **{field: typed})


def test_what_the_platform_decides_is_not_the_owners_to_change(client: Client, merchant: Merchant):
    saved(
        client, merchant, fee_tier="enterprise", currency="eur", slug="other", is_default="on", name="Renamed"
    )

    assert merchant.name == "Renamed"
    assert (merchant.fee_tier, merchant.currency, merchant.slug, merchant.is_default) == (
        "starter",
        "usd",
        "harvest",
        False,
    )


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CLERK, Role.VIEWER])
def test_only_owners_change_settings_and_see_staff(merchant: Merchant, role: str):
    client = signed_in(employed(merchant, role=role))

    answer = client.post(reverse("admin:customers_merchant_change", args=[merchant.pk]), {"name": "x"})

    assert answer.status_code == 403
    assert client.get(reverse("admin:customers_membership_changelist")).status_code == 403


def test_an_owner_adds_somebody_new_with_a_first_password(client: Client, merchant: Merchant):
    typed = {
        "merchant": merchant.pk,
        "sign_in": "grace",
        "password": "a long sample password",
        "role": "clerk",
    }

    client.post(reverse("admin:customers_membership_add"), typed)

    grace = User.objects.get(username="grace")
    assert grace.is_staff
    assert not grace.is_superuser
    assert grace.check_password("a long sample password")
    assert [(row.merchant, row.role) for row in grace.memberships.all()] == [(merchant, "clerk")]


def test_adding_somebody_who_signs_in_already_keeps_their_password(client: Client, merchant: Merchant):
    User.objects.create_user("grace", password="their own password", is_staff=True)
    typed = {"merchant": merchant.pk, "sign_in": "grace", "password": "another sample one", "role": "viewer"}

    client.post(reverse("admin:customers_membership_add"), typed)

    assert User.objects.get(username="grace").check_password("their own password")
    assert Membership.objects.get(user__username="grace").role == "viewer"


@pytest.mark.parametrize(
    ("name", "password"),
    [("new", ""), ("new", "123"), ("customer", "a long sample password"), ("a b/c", "long enough 99")],
)
def test_a_sign_in_that_is_no_good_is_refused(client: Client, merchant: Merchant, name: str, password: str):
    User.objects.create_user("customer", is_staff=False)

    answer = client.post(
        reverse("admin:customers_membership_add"),
        {"merchant": merchant.pk, "sign_in": name, "password": password, "role": "clerk"},
    )

    assert answer.context["adminform"].form.errors["sign_in"]
    assert Membership.objects.count() == 1


def test_the_last_owner_stays_owner(client: Client, owner: User, merchant: Merchant):
    place = owner.memberships.get()
    change = reverse("admin:customers_membership_change", args=[place.pk])

    demoted = client.post(change, {"merchant": merchant.pk, "role": "viewer"})
    removed = client.post(reverse("admin:customers_membership_delete", args=[place.pk]), {"post": "yes"})

    place.refresh_from_db()
    assert "last owner" in str(demoted.context["adminform"].form.errors)
    assert removed.status_code == 403
    assert place.role == Role.OWNER


def test_an_owner_may_go_when_another_stays(client: Client, owner: User, merchant: Merchant):
    other = User.objects.create_user("second", is_staff=True)
    Membership.objects.create(user=other, merchant=merchant, role=Role.OWNER)
    place = owner.memberships.get()

    client.post(
        reverse("admin:customers_membership_change", args=[place.pk]),
        {"merchant": merchant.pk, "role": "clerk"},
    )

    place.refresh_from_db()
    assert place.role == "clerk"


def test_a_customers_address_is_kept_in_lower_case_and_once(client: Client, merchant: Merchant):
    typed = {
        "merchant": merchant.pk,
        "name": "Ada Example",
        "email": "Ada@Example.COM",
        "phone": "",
        "notes": "",
    }
    add = reverse("admin:customers_customer_add")

    client.post(add, typed)
    again = client.post(add, typed)

    assert Customer.objects.get().email == "ada@example.com"
    assert again.status_code == 200
    assert again.context["adminform"].form.errors
