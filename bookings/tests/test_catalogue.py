from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bookings import catalogue
from bookings.errors import InvalidRequest
from bookings.models import Per
from bookings.pricing import AddOnChoice, PriceInputs
from bookings.tests.factories import (
    AddOnFactory,
    MenuFactory,
    MerchantFactory,
    TaxRateFactory,
    TravelFeeFactory,
)
from customers.models import Merchant

pytestmark = pytest.mark.django_db
DAY = date(2027, 6, 12)


@pytest.fixture
def merchant() -> Merchant:
    return MerchantFactory.create(minimum_spend_minor=50_000, tax_travel=True, tax_after_discount=False)


def collect(merchant: Merchant, **changes: Any) -> PriceInputs:
    if "menu_id" not in changes:
        changes["menu_id"] = (merchant.menus.first() or MenuFactory.create(merchant=merchant)).pk
    values: dict[str, Any] = {
        "adults": 10,
        "children": 2,
        "add_ons": {},
        "postal_code": "94110",
        "event_date": DAY,
    }
    return catalogue.inputs(merchant=merchant, **{**values, **changes})


def refused(merchant: Merchant, **changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        collect(merchant, **changes)
    assert caught.value.extra["fields"] == caught.value.fields
    return caught.value.fields


def test_the_merchants_prices_and_flags_become_inputs(merchant: Merchant) -> None:
    menu = MenuFactory.create(merchant=merchant, name="Classic")
    AddOnFactory.create(merchant=merchant, name="Not chosen")
    sake = AddOnFactory.create(merchant=merchant, name="Sake", per=Per.UNIT, price_minor=900)
    assert collect(merchant, menu_id=menu.pk, add_ons={sake.pk: 3}) == PriceInputs(
        currency="usd",
        adults=10,
        children=2,
        menu_name="Classic",
        adult_price_minor=6_000,
        child_price_minor=3_000,
        add_ons=(AddOnChoice("Sake", Per.UNIT, 900, 3),),
        minimum_spend_minor=50_000,
        tax_travel=True,
        tax_after_discount=False,
    )


def test_the_number_of_queries_does_not_grow_with_the_catalogue(
    merchant: Merchant, django_assert_num_queries: Any
) -> None:
    menu = MenuFactory.create(merchant=merchant)
    chosen = {AddOnFactory.create(merchant=merchant).pk: 1 for _ in range(7)}
    for prefix in ("", "9", "94", "941"):
        TravelFeeFactory.create(merchant=merchant, postal_prefix=prefix)
        TaxRateFactory.create(merchant=merchant, postal_prefix=prefix)
    with django_assert_num_queries(4):
        collect(merchant, menu_id=menu.pk, add_ons=chosen)


def test_the_longest_matching_prefix_decides_the_travel_fee(merchant: Merchant) -> None:
    for prefix, fee in (("", 1), ("94", 2), ("9411", 3), ("95", 4), ("941109", 5)):
        TravelFeeFactory.create(merchant=merchant, postal_prefix=prefix, fee_minor=fee)
    TravelFeeFactory.create(postal_prefix="94110", fee_minor=6)
    fees = {
        place: collect(merchant, postal_code=place).travel_minor
        for place in ("94110", "94210", "95001", "10001", "94110-9123")
    }
    assert fees == {"94110": 3, "94210": 2, "95001": 4, "10001": 1, "94110-9123": 3}


def test_without_a_travel_fee_for_the_place_there_is_none(merchant: Merchant) -> None:
    TravelFeeFactory.create(merchant=merchant, postal_prefix="95")
    assert collect(merchant).travel_minor == 0


def test_before_the_place_is_known_only_what_holds_everywhere_counts(merchant: Merchant) -> None:
    for prefix, fee in (("", 100), ("94", 200)):
        TravelFeeFactory.create(merchant=merchant, postal_prefix=prefix, fee_minor=fee)
        TaxRateFactory.create(merchant=merchant, name=f"Tax {prefix}".strip(), postal_prefix=prefix)
    inputs = collect(merchant, postal_code="", place_known=False)
    assert inputs.travel_minor == 100
    assert [name for name, _rate in inputs.tax_rates] == ["Tax"]


def test_every_tax_that_covers_place_and_day_applies(merchant: Merchant) -> None:
    TaxRateFactory.create(merchant=merchant, name="State")
    TaxRateFactory.create(merchant=merchant, name="City", postal_prefix="941", rate=Decimal("0.01"))
    TaxRateFactory.create(merchant=merchant, name="Other city", postal_prefix="95")
    TaxRateFactory.create(merchant=merchant, name="Past", valid_to=date(2027, 6, 11))
    TaxRateFactory.create(merchant=merchant, name="Future", valid_from=date(2027, 6, 13))
    TaxRateFactory.create(
        merchant=merchant, name="Today only", valid_from=DAY, valid_to=DAY, rate=Decimal("0.02")
    )
    TaxRateFactory.create(name="Another caterer's")
    assert collect(merchant).tax_rates == (
        ("City", Decimal("0.010000")),
        ("State", Decimal("0.087500")),
        ("Today only", Decimal("0.020000")),
    )


@pytest.mark.parametrize(
    ("guests", "field", "words"),
    [
        ((0, 0), "adults", "how many guests"),
        ((-1, 5), "adults", "negative"),
        ((5, -1), "children", "negative"),
        ((150, 51), "adults", "up to 200"),
        ((10**12, 0), "adults", "up to 200"),
    ],
)
def test_impossible_guests_are_refused_by_field(
    merchant: Merchant, guests: Any, field: str, words: str
) -> None:
    assert words in refused(merchant, adults=guests[0], children=guests[1])[field]


def test_two_hundred_guests_are_served(merchant: Merchant) -> None:
    assert collect(merchant, adults=150, children=50).adults == 150


def test_another_merchants_or_an_inactive_menu_cannot_be_chosen(merchant: Merchant) -> None:
    hidden = MenuFactory.create(merchant=merchant, is_active=False)
    foreign = MenuFactory.create()
    for pk in (hidden.pk, foreign.pk, 0, -1, 10**30):
        assert refused(merchant, menu_id=pk) == {"menu_id": "Choose one of the menus."}


def test_another_merchants_or_an_inactive_add_on_cannot_be_chosen(merchant: Merchant) -> None:
    hidden = AddOnFactory.create(merchant=merchant, is_active=False)
    for pk in (hidden.pk, AddOnFactory.create().pk, 10**30):
        assert "no longer offered" in refused(merchant, add_ons={pk: 1})["add_ons"]


def test_quantities_stay_within_what_is_sold(merchant: Merchant) -> None:
    sake = AddOnFactory.create(merchant=merchant, name="Sake", per=Per.UNIT, max_quantity=5)
    show = AddOnFactory.create(merchant=merchant, name="Show", per=Per.BOOKING)
    assert refused(merchant, add_ons={sake.pk: 6})["add_ons"] == "Sake: 5 at most in one booking."
    assert refused(merchant, add_ons={show.pk: 2})["add_ons"] == "Show: 1 at most in one booking."
    assert "negative" in refused(merchant, add_ons={sake.pk: -1})["add_ons"]
    assert collect(merchant, add_ons={sake.pk: 5, show.pk: 0}).add_ons == (
        AddOnChoice("Sake", Per.UNIT, 500, 5),
    )


def test_all_problems_are_told_at_once(merchant: Merchant) -> None:
    assert set(refused(merchant, menu_id=0, adults=0, children=0, postal_code="?", add_ons={0: 1})) == {
        "menu_id",
        "adults",
        "postal_code",
        "add_ons",
    }


@pytest.mark.parametrize(
    ("country", "typed", "stored"),
    [
        ("US", " 94110 ", "94110"),
        ("US", "941101234", "94110-1234"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("GB", "sw1a  1aa", "SW1A 1AA"),
    ],
)
def test_postal_codes_are_stored_one_way(country: str, typed: str, stored: str) -> None:
    assert catalogue.postal_code(typed, country=country) == stored


@pytest.mark.parametrize(
    ("country", "typed"),
    [("US", "9411"), ("US", "ABCDE"), ("US", "٩٤١١٠"), ("US", ""), ("CA", "94110"), ("DE", "x'; --")],
)
def test_nonsense_is_no_postal_code(country: str, typed: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        catalogue.postal_code(typed, country=country)
    assert list(caught.value.fields) == ["postal_code"]


def test_a_prefix_matches_with_and_without_the_codes_space() -> None:
    merchant = MerchantFactory.create(country="CA")
    TravelFeeFactory.create(merchant=merchant, postal_prefix="K1A0", fee_minor=7)
    assert collect(merchant, postal_code="K1A 0B1").travel_minor == 7


def test_method_fee_rates_cover_every_method_but_credit(merchant: Merchant) -> None:
    assert catalogue.method_fee_rates(merchant) == {
        "card": Decimal("0.08"),
        "venmo": Decimal("0.03"),
        "zelle": Decimal(0),
        "cash": Decimal(0),
        "check": Decimal(0),
    }
