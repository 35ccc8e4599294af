from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core.errors import NotFound
from customers import merchants, platform_fees
from customers.models import Customer, FeePresentation, FeeTier, Membership, Merchant, PaymentMethod

pytestmark = pytest.mark.django_db
DAY = date(2027, 6, 12)
_numbers: Iterator[int] = iter(range(10**6))


def made(**values: object) -> Merchant:
    number = next(_numbers)
    fields = {"name": f"Caterer {number}", "slug": f"caterer-{number}", "email": "caterer@example.com"}
    return Merchant.objects.create(**{**fields, **values})


def test_a_host_belongs_to_the_merchant_who_claims_it_and_else_to_the_default() -> None:
    default = made(is_default=True)
    own = made(host="ember.example.com")
    assert merchants.for_host("ember.example.com") == own
    assert merchants.for_host("EMBER.example.com:8443") == own
    assert merchants.for_host("127.0.0.1:8000") == default
    assert merchants.for_host("[::1]:8000") == default


def test_an_inactive_merchant_answers_nowhere() -> None:
    made(host="ember.example.com", is_active=False)
    with pytest.raises(NotFound, match="create_merchant"):
        merchants.for_host("ember.example.com")


def test_no_host_is_the_empty_claim_of_a_merchant_without_one() -> None:
    made()
    with pytest.raises(NotFound):
        merchants.for_host("")


def test_staff_see_only_where_they_work_and_superusers_too() -> None:
    own, other = made(), made()
    clerk = User.objects.create_user("clerk")
    Membership.objects.create(user=clerk, merchant=own)
    operator = User.objects.create_superuser("operator")
    assert list(merchants.of_staff(clerk)) == [own]
    assert list(merchants.of_staff(operator)) == []
    assert list(merchants.of_staff(AnonymousUser())) == []
    assert other not in merchants.of_staff(clerk)
    clerk.is_active = False
    clerk.save()
    assert list(merchants.of_staff(clerk)) == []


@pytest.mark.parametrize(
    ("tier", "fee"), [(FeeTier.STARTER, 300), (FeeTier.PROFESSIONAL, 150), (FeeTier.ENTERPRISE, 50)]
)
def test_each_tier_takes_its_share_of_a_hundred(tier: FeeTier, fee: int) -> None:
    assert platform_fees.in_force(made(fee_tier=tier), on=DAY).of(10_000) == fee


def test_every_tier_has_a_fee() -> None:
    assert set(platform_fees.TIERS) == set(FeeTier)


def test_a_dated_override_replaces_the_tier_on_its_days_alone() -> None:
    merchant = made()
    merchant.platform_fee_overrides.create(
        rate=Decimal("0.01"), fixed_minor=25, valid_from=date(2027, 6, 1), valid_to=date(2027, 6, 30)
    )
    fees = [
        platform_fees.in_force(merchant, on=day).of(10_000)
        for day in (date(2027, 5, 31), date(2027, 6, 1), date(2027, 6, 30), date(2027, 7, 1))
    ]
    assert fees == [300, 125, 125, 300]


def test_the_newest_override_counts() -> None:
    merchant = made()
    merchant.platform_fee_overrides.create(rate=Decimal("0.02"), valid_from=date(2027, 1, 1))
    merchant.platform_fee_overrides.create(rate=Decimal("0.01"), valid_from=date(2027, 2, 1))
    assert platform_fees.in_force(merchant, on=DAY).of(10_000) == 100


def test_another_merchants_override_counts_for_nobody_else() -> None:
    made().platform_fee_overrides.create(rate=Decimal(0), valid_from=date(2027, 1, 1))
    assert platform_fees.in_force(made(), on=DAY).of(10_000) == 300


@pytest.mark.parametrize(("received", "fee"), [(0, 0), (10, 10), (50, 32), (10_000, 330)])
def test_a_platform_fee_is_never_more_than_what_was_received(received: int, fee: int) -> None:
    assert platform_fees.PlatformFee(Decimal("0.03"), 30).of(received) == fee


def test_each_method_has_its_rate_and_credit_none() -> None:
    rates = {method.value: made().method_fee_rate(method) for method in PaymentMethod}
    assert rates == {
        "card": Decimal("0.08"),
        "venmo": Decimal("0.03"),
        "zelle": Decimal(0),
        "cash": Decimal(0),
        "check": Decimal(0),
        "credit": Decimal(0),
    }


def test_a_surcharge_above_three_percent_is_refused_with_the_reason() -> None:
    merchant = made(fee_presentation=FeePresentation.SURCHARGE)
    with pytest.raises(ValidationError, match="Card networks forbid surcharges above 3 %"):
        merchant.clean()
    merchant.card_fee_rate = Decimal("0.03")
    merchant.clean()


def test_the_database_refuses_a_second_default_merchant_and_a_host_claimed_twice() -> None:
    made(is_default=True, host="ember.example.com")
    for claim in ({"is_default": True}, {"host": "ember.example.com"}):
        with transaction.atomic(), pytest.raises(IntegrityError):
            made(**claim)
    assert Merchant.objects.count() == 1


def test_the_database_keeps_one_customer_per_merchant_and_address_in_lower_case() -> None:
    merchant, other = made(), made()
    Customer.objects.create(merchant=merchant, email="ada@example.com", name="Ada")
    Customer.objects.create(merchant=other, email="ada@example.com", name="Ada")
    for email in ("ada@example.com", "Ada2@example.com"):
        with transaction.atomic(), pytest.raises(IntegrityError):
            Customer.objects.create(merchant=merchant, email=email, name="Ada")
    assert Customer.objects.count() == 2
