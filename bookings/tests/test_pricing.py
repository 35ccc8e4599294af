from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings import pricing
from bookings.models import LineKind, Per
from bookings.pricing import AddOnChoice, PriceInputs

PLAIN = PriceInputs(
    currency="usd",
    adults=10,
    children=2,
    menu_name="Classic",
    adult_price_minor=6_000,
    child_price_minor=3_000,
)
SALES_TAX = (("Sales tax", Decimal("0.087500")),)

minor = st.integers(0, 50_000)
rates = st.decimals(0, Decimal("0.3"), places=6)
choices = st.builds(
    AddOnChoice,
    name=st.just("Extra"),
    per=st.sampled_from(Per),
    unit_minor=minor,
    quantity=st.integers(0, 20),
)
any_inputs = st.builds(
    PriceInputs,
    currency=st.sampled_from(["usd", "jpy", "kwd"]),
    adults=st.integers(0, 200),
    children=st.integers(0, 200),
    menu_name=st.just("Classic"),
    adult_price_minor=minor,
    child_price_minor=minor,
    add_ons=st.lists(choices, max_size=6).map(tuple),
    travel_minor=minor,
    discount_minor=st.integers(0, 50_000_000),
    minimum_spend_minor=st.integers(0, 5_000_000),
    tax_rates=st.lists(st.tuples(st.just("Tax"), rates), max_size=3).map(tuple),
    tax_travel=st.booleans(),
    tax_after_discount=st.booleans(),
)


def amounts(price: pricing.Price, *kinds: LineKind) -> list[int]:
    return [line.amount_minor for line in price.lines if line.kind in kinds]


@given(any_inputs)
def test_lines_sum_to_the_total_and_nothing_but_a_discount_is_negative(inputs: PriceInputs) -> None:
    price = pricing.price(inputs)
    assert sum(line.amount_minor for line in price.lines) == price.total_minor
    assert price.subtotal_minor + price.tax_minor == price.total_minor
    assert all(line.amount_minor == line.quantity * line.unit_minor for line in price.lines)
    assert all(line.amount_minor >= 0 for line in price.lines if line.kind != LineKind.DISCOUNT)
    assert price.taxable_minor >= 0
    assert price.subtotal_minor >= 0
    assert 0 <= price.tax_minor <= price.total_minor


@given(any_inputs)
def test_each_tax_rate_is_rounded_half_up_once_on_the_whole_taxable_subtotal(inputs: PriceInputs) -> None:
    price = pricing.price(inputs)
    expected = [
        int((price.taxable_minor * rate).quantize(Decimal(1), ROUND_HALF_UP))
        for _name, rate in inputs.tax_rates
        if rate
    ]
    assert amounts(price, LineKind.TAX) == expected
    assert price.tax_minor == sum(expected)


@given(any_inputs)
def test_food_add_ons_and_shortfall_reach_the_minimum_spend(inputs: PriceInputs) -> None:
    food = amounts(
        pricing.price(inputs),
        LineKind.MENU_ADULT,
        LineKind.MENU_CHILD,
        LineKind.ADD_ON,
        LineKind.MINIMUM_SPEND,
    )
    assert sum(food) >= inputs.minimum_spend_minor


@given(any_inputs)
def test_a_discount_never_takes_more_than_the_food(inputs: PriceInputs) -> None:
    price = pricing.price(inputs)
    assert price.subtotal_minor >= inputs.travel_minor
    assert -sum(amounts(price, LineKind.DISCOUNT)) <= inputs.discount_minor


def test_ten_adults_and_two_children_with_sales_tax() -> None:
    price = pricing.price(replace(PLAIN, tax_rates=SALES_TAX))
    assert [(line.description, line.quantity, line.amount_minor) for line in price.lines] == [
        ("Classic, adults", 10, 60_000),
        ("Classic, children", 2, 6_000),
        ("Sales tax 8.75 %", 1, 5_775),
    ]
    assert (price.subtotal_minor, price.tax_minor, price.total_minor) == (66_000, 5_775, 71_775)


@pytest.mark.parametrize(
    ("per", "quantity", "count"),
    [(Per.GUEST, 1, 12), (Per.ADULT, 1, 10), (Per.CHILD, 1, 2), (Per.BOOKING, 1, 1), (Per.UNIT, 7, 7)],
)
def test_an_add_on_is_multiplied_by_what_it_is_sold_per(per: Per, quantity: int, count: int) -> None:
    price = pricing.price(replace(PLAIN, add_ons=(AddOnChoice("Sake", per, 333, quantity),)))
    (line,) = [line for line in price.lines if line.kind == LineKind.ADD_ON]
    assert (line.quantity, line.unit_minor, line.amount_minor) == (count, 333, count * 333)


def test_what_nobody_gets_has_no_line() -> None:
    price = pricing.price(replace(PLAIN, children=0, add_ons=(AddOnChoice("Juice", Per.CHILD, 300),)))
    assert [line.kind for line in price.lines] == [LineKind.MENU_ADULT]


def test_children_who_eat_for_free_are_still_on_the_bill() -> None:
    price = pricing.price(replace(PLAIN, child_price_minor=0))
    assert amounts(price, LineKind.MENU_CHILD) == [0]


def test_the_shortfall_to_the_minimum_spend_is_a_taxed_line_before_discount_and_travel() -> None:
    price = pricing.price(
        replace(
            PLAIN, minimum_spend_minor=80_000, discount_minor=10_000, travel_minor=5_000, tax_rates=SALES_TAX
        )
    )
    assert amounts(price, LineKind.MINIMUM_SPEND) == [14_000]
    assert price.taxable_minor == 70_000
    assert amounts(price, LineKind.TAX) == [6_125]
    assert price.total_minor == 80_000 - 10_000 + 5_000 + 6_125


def test_spending_exactly_the_minimum_adds_nothing() -> None:
    assert amounts(pricing.price(replace(PLAIN, minimum_spend_minor=66_000)), LineKind.MINIMUM_SPEND) == []


@pytest.mark.parametrize(
    ("tax_travel", "tax_after_discount", "taxable"),
    [(False, True, 65_000), (True, True, 69_000), (False, False, 66_000), (True, False, 70_000)],
)
def test_flags_decide_whether_travel_and_discount_count_for_tax(
    tax_travel: bool, tax_after_discount: bool, taxable: int
) -> None:
    price = pricing.price(
        replace(
            PLAIN,
            travel_minor=4_000,
            discount_minor=1_000,
            tax_travel=tax_travel,
            tax_after_discount=tax_after_discount,
            tax_rates=SALES_TAX,
        )
    )
    assert price.taxable_minor == taxable


def test_a_discount_larger_than_the_food_leaves_travel_and_no_tax() -> None:
    price = pricing.price(replace(PLAIN, discount_minor=10**9, travel_minor=4_000, tax_rates=SALES_TAX))
    assert amounts(price, LineKind.DISCOUNT) == [-66_000]
    assert (price.total_minor, price.tax_minor) == (4_000, 0)


def test_half_a_cent_of_tax_is_rounded_up_once_per_rate_not_per_line() -> None:
    # 2 x 0.10 at 2.5 %: half a cent on the sum. Per line it would be 0.25 + 0.25 -> 0.
    one = replace(PLAIN, adults=1, children=1, adult_price_minor=10, child_price_minor=10)
    assert pricing.price(replace(one, tax_rates=(("A", Decimal("0.025")),))).tax_minor == 1
    two = (("A", Decimal("0.025")), ("B", Decimal("0.025")))
    assert pricing.price(replace(one, tax_rates=two)).tax_minor == 2


def test_a_currency_without_decimals_is_taxed_in_whole_units() -> None:
    yen = replace(
        PLAIN,
        currency="jpy",
        adults=3,
        children=0,
        adult_price_minor=1_111,
        tax_rates=(("VAT", Decimal("0.10")),),
    )
    price = pricing.price(yen)
    assert (price.tax_minor, price.total_minor) == (333, 3_666)


def test_a_rate_of_zero_has_no_line() -> None:
    assert amounts(pricing.price(replace(PLAIN, tax_rates=(("Exempt", Decimal(0)),))), LineKind.TAX) == []


def test_a_price_that_no_column_holds_is_refused_in_words() -> None:
    with pytest.raises(pricing.PriceTooLarge, match="ask the caterer"):
        pricing.price(replace(PLAIN, adult_price_minor=2**31 - 1))


@pytest.mark.parametrize(
    "field", ["adults", "children", "travel_minor", "discount_minor", "minimum_spend_minor"]
)
def test_a_negative_input_is_a_bug_not_a_price(field: str) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        pricing.price(replace(PLAIN, **{field: -1}))  # type: ignore[arg-type]


def test_percents_read_as_people_write_them() -> None:
    assert [pricing.percent(Decimal(rate)) for rate in ("0.087500", "0.1", "1", "0.000001")] == [
        "8.75 %",
        "10 %",
        "100 %",
        "0.0001 %",
    ]


def test_totals_by_method_round_each_payment_and_tell_the_saving_against_the_card() -> None:
    totals = pricing.totals_by_method(
        parts_minor=[10_006, 61_769],
        rates={"card": Decimal("0.08"), "zelle": Decimal(0), "venmo": Decimal("0.03")},
    )
    assert [(t.method, t.fee_minor, t.total_minor, t.saving_minor) for t in totals] == [
        ("card", 800 + 4_942, 77_517, 0),
        ("zelle", 0, 71_775, 5_742),
        ("venmo", 300 + 1_853, 73_928, 3_589),
    ]


def test_a_method_dearer_than_the_card_saves_nothing() -> None:
    totals = pricing.totals_by_method(
        parts_minor=[1_000], rates={"card": Decimal(0), "venmo": Decimal("0.03")}
    )
    assert [total.saving_minor for total in totals] == [0, 0]


def test_the_deposit_of_the_worked_example_costs_108_by_card() -> None:
    assert pricing.method_fee(10_000, rate=Decimal("0.08")) == 800
    assert pricing.method_total(10_000, rate=Decimal("0.08")) == 10_800


def test_half_a_cent_of_a_fee_goes_up() -> None:
    assert pricing.method_fee(50, rate=Decimal("0.03")) == 2
    assert pricing.method_fee(49, rate=Decimal("0.03")) == 1
