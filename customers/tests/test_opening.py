import pytest
from django.contrib.auth.models import User

from customers import opening
from customers.models import Membership, Merchant, Role
from customers.staff import SignInRefused

pytestmark = pytest.mark.django_db


def opened(slug: str = "ember", **changes: str | bool) -> Merchant:
    values: dict[str, str | bool] = {"name": "Ember", "slug": slug, "email": "Hello@Example.com"}
    return opening.open_merchant(**{**values, **changes})  # type: ignore[arg-type]


def test_a_merchant_opens_with_the_products_defaults() -> None:
    merchant = opened(currency="EUR", timezone="Europe/Berlin", country="de", is_default=True)
    merchant.refresh_from_db()
    assert (merchant.currency, merchant.country, merchant.email) == ("eur", "DE", "hello@example.com")
    assert (merchant.hold_minutes, merchant.deposit_minor, merchant.balance_due_days) == (45, 10_000, 7)
    assert merchant.is_default


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "xyz"}, "no currency"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"email": "nobody"}, "email"),
        ({"slug": "two words"}, "slug"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_a_merchant_is_refused_in_words(changes: dict[str, str], words: str) -> None:
    with pytest.raises(opening.MerchantRefused, match=words):
        opened(**changes)
    assert not Merchant.objects.exists()


def test_a_slug_is_given_once() -> None:
    opened()
    with pytest.raises(opening.MerchantExists, match="slug ember"):
        opened()


def test_there_is_one_default_merchant() -> None:
    opened(is_default=True)
    with pytest.raises(opening.MerchantExists, match="Ember is the default merchant already"):
        opened("salt", is_default=True)
    assert Merchant.objects.count() == 1


def test_an_owner_without_a_password_gets_one_told_once() -> None:
    merchant = opened()
    made = opening.add_owner(merchant=merchant, email=" Owner@Example.com ")
    again = opening.add_owner(merchant=merchant, email="owner@example.com")
    user = User.objects.get()
    assert made.password is not None
    assert user.check_password(made.password)
    assert again.password is None
    assert (user.username, user.is_staff, user.is_superuser) == ("owner@example.com", True, False)
    assert Membership.objects.get().role == Role.OWNER


def test_somebody_who_signs_in_already_keeps_password_rights_and_role() -> None:
    merchant = opened()
    user = User.objects.create_user("owner@example.com", password="kept-password-7", is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=Role.CLERK)
    opening.add_owner(
        merchant=merchant, email="owner@example.com", password="another-one-9", is_operator=True
    )
    user.refresh_from_db()
    assert user.check_password("kept-password-7")
    assert not user.is_superuser
    assert Membership.objects.get().role == Role.CLERK


def test_a_customers_account_does_not_become_staff() -> None:
    User.objects.create_user("owner@example.com")
    with pytest.raises(SignInRefused):
        opening.add_owner(merchant=opened(), email="owner@example.com")
    assert not Membership.objects.exists()


def test_a_weak_password_is_refused() -> None:
    with pytest.raises(SignInRefused):
        opening.add_owner(merchant=opened(), email="owner@example.com", password="12345678")
    assert not User.objects.exists()
