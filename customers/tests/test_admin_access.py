"""Who may do what: roles, merchants, superusers."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser, User

from customers import access
from customers.models import Customer, Membership, Merchant, Role

pytestmark = pytest.mark.django_db


def merchant(slug: str) -> Merchant:
    return Merchant.objects.create(name=slug.title(), slug=slug, email=f"hello@{slug}.example")


def staff(username: str, **roles: Merchant) -> User:
    user = User.objects.create_user(username, is_staff=True)
    for role, place in roles.items():
        Membership.objects.create(user=user, merchant=place, role=role)
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize(
    ("role", "refunds", "changes_menus", "adds_customers", "changes_settings", "sees_staff"),
    [
        (Role.OWNER, True, True, True, True, True),
        (Role.MANAGER, True, True, True, False, False),
        (Role.CLERK, False, True, True, False, False),
        (Role.VIEWER, False, False, False, False, False),
    ],
)
def test_each_role_may_what_the_table_says(
    role: str,
    refunds: bool,
    changes_menus: bool,
    adds_customers: bool,
    changes_settings: bool,
    sees_staff: bool,
):
    user = staff("someone", **{role: merchant("one")})

    answers = [
        user.has_perm(code)
        for code in (
            "payments.refund",
            "bookings.change_menu",
            "customers.add_customer",
            "customers.change_merchant",
            "customers.view_membership",
        )
    ]

    assert answers == [refunds, changes_menus, adds_customers, changes_settings, sees_staff]
    assert user.has_perm("payments.view_payment")


def test_no_role_changes_money_rows():
    changing = ("add", "change", "delete")
    for codes in access.ROLES.values():
        for code in codes:
            app, _, name = code.partition(".")
            keys_page = code == access.CHANGE_KEYS  # a merchant's own keys are settings, no money
            assert keys_page or not (app == "payments" and name.split("_")[0] in changing), code
            assert name not in ("add_booking", "delete_booking", "delete_customer", "add_merchant")


def test_each_role_may_at_least_what_the_lesser_one_may():
    ladder = [access.ROLES[role] for role in (Role.VIEWER, Role.CLERK, Role.MANAGER, Role.OWNER)]

    assert all(less < more for less, more in pairwise(ladder))


def test_a_role_counts_only_at_its_own_merchant():
    one, two = merchant("one"), merchant("two")
    user = staff("both", owner=one, viewer=two)

    assert access.may(user, permission=access.REFUND, merchant_id=one.pk)
    assert not access.may(user, permission=access.REFUND, merchant_id=two.pk)
    assert user.has_perm("customers.change_merchant", one)
    assert not user.has_perm("customers.change_merchant", two)
    assert user.has_perm("customers.view_merchant", two)


def test_rows_are_scoped_to_the_merchants_where_the_permission_is_granted():
    one, two, three = merchant("one"), merchant("two"), merchant("three")
    for place in (one, two, three):
        Customer.objects.create(merchant=place, email=f"guest@{place.slug}.example", name=place.slug)
    user = staff("both", manager=one, viewer=two)

    seen = access.scope(Customer.objects.all(), user=user, permission="customers.view_customer")
    editable = access.scope(Customer.objects.all(), user=user, permission="customers.change_customer")

    assert {row.name for row in seen} == {"one", "two"}
    assert {row.name for row in editable} == {"one"}


def test_a_superuser_without_membership_sees_no_rows_and_moves_no_money():
    place = merchant("one")
    Customer.objects.create(merchant=place, email="guest@one.example", name="guest")
    root = User.objects.create_superuser("root")

    assert not access.scope(Customer.objects.all(), user=root, permission="customers.view_customer").exists()
    assert not access.may(root, permission=access.REFUND)
    assert not access.may(root, permission=access.REFUND, merchant_id=place.pk)


@pytest.mark.parametrize("kind", ["inactive", "anonymous"])
def test_who_is_not_signed_in_or_switched_off_may_nothing(kind: str):
    user = staff("gone", owner=merchant("one"))
    user.is_active = False

    assert not access.may(user if kind == "inactive" else AnonymousUser(), permission="payments.view_payment")
    assert not user.has_perm("payments.view_payment")


def test_the_backend_answers_nothing_about_rows_it_does_not_know():
    user = staff("owner", owner=merchant("one"))

    assert not user.has_perm("payments.refund", User(pk=1))


def test_memberships_are_read_once_per_user_object(django_assert_num_queries):
    user = staff("owner", owner=merchant("one"))

    with django_assert_num_queries(1):
        assert access.may(user, permission=access.REFUND)
        assert [place.role for place in access.places(user)] == [Role.OWNER]
        assert access.may(user, permission="bookings.view_slot")
