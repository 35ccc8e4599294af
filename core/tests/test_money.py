"""Money: integers, one currency at a time, half up."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    CurrencyMismatch,
    Money,
    UnreadableAmount,
    at_rate,
    exponent,
    format_minor,
    format_whole,
    parse,
    share,
)

minors = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), None])
def test_money_refuses_whatever_is_no_integer(minor):
    with pytest.raises(TypeError):
        Money(minor, "usd")


@pytest.mark.parametrize("currency", ["USD", "Usd", "xyzw", "", "zzz"])
def test_money_refuses_a_currency_that_is_no_lower_case_iso_code(currency):
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


def test_currencies_do_not_mix():
    dollars, euros = Money(100, "usd"), Money(100, "eur")
    with pytest.raises(CurrencyMismatch):
        dollars + euros
    with pytest.raises(CurrencyMismatch):
        dollars - euros
    with pytest.raises(CurrencyMismatch):
        assert dollars < euros
    assert dollars != euros


def test_money_does_not_mix_with_bare_numbers():
    with pytest.raises(TypeError):
        Money(100, "usd") + 1
    with pytest.raises(TypeError):
        assert Money(100, "usd") > 1
    assert Money(100, "usd") != 100


def test_money_adds_compares_and_sums():
    ten, three = Money(1000, "usd"), Money(300, "usd")
    assert ten + three == Money(1300, "usd")
    assert ten - three == Money(700, "usd")
    assert -ten == Money(-1000, "usd")
    assert three < ten
    assert ten >= three
    assert sum([ten, three, three], Money.zero("usd")) == Money(1600, "usd")
    assert not Money.zero("usd")
    assert ten


def test_money_is_frozen():
    with pytest.raises(AttributeError):
        Money(1, "usd").minor = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("minor", "rate", "expected"),
    [
        (50, "0.01", 1),
        (49, "0.01", 0),
        (-50, "0.01", -1),
        (-49, "0.01", 0),
        (100000, "0.0875", 8750),
        (5, "0.5", 3),
    ],
)
def test_a_rate_rounds_half_up_away_from_zero(minor, rate, expected):
    assert at_rate(minor, rate=Decimal(rate)) == expected
    assert Money(minor, "usd").at_rate(Decimal(rate)) == Money(expected, "usd")


def test_a_rate_is_a_decimal_never_a_float():
    with pytest.raises(TypeError):
        at_rate(100, rate=0.08)  # type: ignore[arg-type]


@given(minors, st.decimals(min_value=-2, max_value=2, places=6))
def test_a_rate_agrees_with_decimal_rounding(minor, rate):
    assert at_rate(minor, rate=rate) == int((minor * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))


@given(minors, st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_is_symmetrical_and_off_by_half_a_unit_at_most(minor, part, whole):
    exact = Decimal(minor * part) / whole
    assert share(-minor, part=part, whole=whole) == -share(minor, part=part, whole=whole)
    assert abs(2 * (share(minor, part=part, whole=whole) * whole - minor * part)) <= whole, exact


def test_a_share_needs_a_positive_whole():
    with pytest.raises(ValueError, match="positive"):
        share(100, part=1, whole=0)


@pytest.mark.parametrize(
    ("currency", "places"),
    [("usd", 2), ("eur", 2), ("jpy", 0), ("krw", 0), ("kwd", 3), ("huf", 2), ("isk", 2)],
)
def test_each_currency_has_its_own_exponent(currency, places):
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123450, "usd", "$1,234.50"),
        (-5, "usd", "-$0.05"),
        (500, "jpy", "¥500"),
        (1234567, "kwd", "KWD1,234.567"),
        (9007199254740993, "usd", "$90,071,992,547,409.93"),
    ],
)
def test_amounts_are_shown_with_the_currencys_decimals(minor, currency, shown):
    assert format_minor(minor, currency) == shown


def test_amounts_are_shown_in_the_readers_locale():
    assert Money(123450, "eur").format("de_DE") == "1.234,50\xa0€"


def test_json_carries_the_minor_units():
    assert Money(10000, "usd").as_json() == {"amount": 10000, "currency": "usd"}


@pytest.mark.parametrize(
    ("text", "minor"),
    [("1,234.50", 123450), ("$12", 1200), (" 0.5 ", 50), ("-3", -300), ("12 USD", 1200), ("usd 7.25", 725)],
)
def test_typed_amounts_are_read(text, minor):
    assert parse(text, currency="usd") == Money(minor, "usd")


@pytest.mark.parametrize(
    "text", ["", ".", "abc", "1e5", "1,23.5", "12,5", "NaN", "Infinity", "1.234", "9" * 20, "--1"]
)
def test_what_is_no_amount_is_refused_in_words(text):
    with pytest.raises(UnreadableAmount) as refused:
        parse(text, currency="usd")
    assert refused.value.status == 422
    assert refused.value.detail


def test_a_currency_without_decimals_refuses_them():
    assert parse("1,500", currency="jpy") == Money(1500, "jpy")
    with pytest.raises(UnreadableAmount, match="no decimal places"):
        parse("1500.5", currency="jpy")


@given(st.integers(0, 10**14), st.sampled_from(["usd", "jpy", "kwd"]))
def test_what_is_shown_reads_back_as_itself(minor, currency):
    assert parse(format_minor(minor, currency), currency=currency) == Money(minor, currency)


def test_the_template_filter_shows_minor_units():
    template = Template(
        "{% load money %}{{ price|money:currency }}|{{ whole|money }}|{{ none|money:currency }}"
    )
    shown = template.render(
        Context({"price": 1050, "currency": "usd", "whole": Money(500, "jpy"), "none": None})
    )
    assert shown == "$10.50|¥500|"


def test_a_chart_shows_whole_units_rounded_half_up() -> None:
    assert format_whole(105_050, "usd") == "$1,051"
    assert format_whole(-105_050, "usd") == "-$1,051"
    assert format_whole(1_050, "jpy") == "¥1,050"
