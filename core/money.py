"""Money as an integer of minor units plus a currency; nothing here, or above, ever sees a float.

Minor units are those that the card network's gateway uses (cents for usd, whole yen for jpy, thousandths
for kwd), so an amount travels unchanged from price to ledger. Currency is lower-case ISO 4217. Every
rounding is half up, away from zero, computed on exact integers. Anyone may call; nothing here touches the
database.
"""

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Self

from babel import Locale
from babel.numbers import NumberFormatError, NumberPattern, is_currency, parse_decimal

from core.errors import Invalid

# https://docs.stripe.com/currencies: the units charges are made in. isk and ugx stay at two there for old
# times' sake.
_NO_DECIMALS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THREE_DECIMALS = frozenset(["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"])
MAX_MINOR = 2**63 - 1


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum: always a bug, so never shown to a customer."""


class UnreadableAmount(Invalid, ValueError):
    """Typed text that is not an amount of that currency; the detail says what to type."""

    code = "unreadable_amount"
    title = "That amount cannot be read"


@cache
def exponent(currency: str) -> int:
    """Decimal places of the currency's minor unit; ValueError for what is no lower-case ISO 4217 code."""
    if currency != currency.lower() or not is_currency(currency.upper()):
        raise ValueError(f"{currency!r} is not a lower-case ISO 4217 currency code.")
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Money counts whole minor units; got {type(value).__name__} {value!r}.")
    return value


def share(minor: int, *, part: int, whole: int) -> int:
    """minor x part / whole, rounded half up (away from zero), in integers throughout."""
    if _integer(whole) <= 0:
        raise ValueError("A share needs a positive whole.")
    product = _integer(minor) * _integer(part)
    rounded = (2 * abs(product) + whole) // (2 * whole)
    return rounded if product >= 0 else -rounded


def at_rate(minor: int, *, rate: Decimal) -> int:
    """minor x rate, e.g. Decimal("0.0875") for 8.75 %, rounded half up (away from zero)."""
    if not isinstance(rate, Decimal):
        raise TypeError(f"A rate is a Decimal; got {type(rate).__name__} {rate!r}.")
    part, whole = rate.as_integer_ratio()
    return share(minor, part=part, whole=whole)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Adds and compares only with its own kind."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        _integer(self.minor)
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """The start of a sum: `sum(amounts, Money.zero("usd"))`."""
        return cls(0, currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix.")
        return other.minor

    def __add__(self, other: object) -> "Money":
        return (
            Money(self.minor + self._same(other), self.currency)
            if isinstance(other, Money)
            else NotImplemented
        )

    def __sub__(self, other: object) -> "Money":
        return (
            Money(self.minor - self._same(other), self.currency)
            if isinstance(other, Money)
            else NotImplemented
        )

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _compare(self, other: object, test: Callable[[int, int], bool]) -> bool:
        return test(self.minor, self._same(other)) if isinstance(other, Money) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._compare(other, int.__lt__)

    def __le__(self, other: object) -> bool:
        return self._compare(other, int.__le__)

    def __gt__(self, other: object) -> bool:
        return self._compare(other, int.__gt__)

    def __ge__(self, other: object) -> bool:
        return self._compare(other, int.__ge__)

    def at_rate(self, rate: Decimal) -> "Money":
        """This amount times a rate, half up."""
        return Money(at_rate(self.minor, rate=rate), self.currency)

    def format(self, locale: str = "en_US") -> str:
        """For people: "$1,234.50"."""
        return format_minor(self.minor, self.currency, locale)

    def as_json(self) -> dict[str, int | str]:
        """For the API: {"amount": 123450, "currency": "usd"}."""
        return {"amount": self.minor, "currency": self.currency}

    def __str__(self) -> str:
        return self.format()


@cache
def _pattern(locale: str, places: int) -> NumberPattern:
    pattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern


def format_minor(minor: int, currency: str, locale: str = "en_US") -> str:
    """Minor units for people, with the currency's own number of decimals: 1050 usd -> "$10.50"."""
    places = exponent(currency)
    amount = Decimal(_integer(minor)).scaleb(-places)
    pattern = _pattern(locale, places)
    return pattern.apply(amount, locale, currency=currency.upper(), currency_digits=False)


def format_whole(minor: int, currency: str, locale: str = "en_US") -> str:
    """Minor units rounded to whole ones, for charts where space is short: 105050 usd -> "$1,051"."""
    whole = share(_integer(minor), part=1, whole=10 ** exponent(currency))
    return _pattern(locale, 0).apply(Decimal(whole), locale, currency=currency.upper(), currency_digits=False)


def parse(text: str, *, currency: str, locale: str = "en_US") -> Money:
    """What a person typed ("1,234.50", "$12") as Money; UnreadableAmount tells what is wrong."""
    places = exponent(currency)
    symbols = {
        Locale.parse(locale).currency_symbols.get(currency.upper(), ""),
        currency,
        currency.upper(),
    } - {""}
    bare = text.strip()
    for symbol in symbols:
        bare = bare.removeprefix(symbol).removesuffix(symbol).strip()
    if not re.fullmatch(r"[-+]?[\d.,' \u00a0\u202f]+", bare):
        raise UnreadableAmount(f"“{text.strip()[:40]}” is not an amount. Type one like 1,234.50.")
    try:
        value = parse_decimal(bare, locale=locale, strict=True)
    except NumberFormatError as error:
        raise UnreadableAmount(f"“{text.strip()[:40]}” is not an amount. Type one like 1,234.50.") from error
    minor = value.scaleb(places)
    if minor != minor.to_integral_value():
        raise UnreadableAmount(
            f"{currency.upper()} has {places} decimal places; “{text.strip()[:40]}” has more."
            if places
            else f"{currency.upper()} has no decimal places; “{text.strip()[:40]}” has some."
        )
    if abs(minor) > MAX_MINOR:
        raise UnreadableAmount("That amount is too large.")
    return Money(int(minor), currency)
