"""Amounts as banks print them: 1,234.56 · 1.234,56 · (12.00) · -12 · 12- · $5 · 5.00 CR. Pure; never a float."""

import re
from collections.abc import Iterable
from decimal import Decimal

from core.money import MAX_MINOR, exponent

DECIMALS = {".": "1,234.56", ",": "1.234,56"}
_SYMBOLS = {"€": ("eur",), "£": ("gbp",), "¥": ("jpy", "cny")}
_NAMED = re.compile(r"[€£¥]|usd|eur|gbp|cad|aud|chf|jpy", re.IGNORECASE)
_DRESS = re.compile(rf"[\s'’$]|{_NAMED.pattern}", re.IGNORECASE)
_SIGN = re.compile(
    r"^(?P<open>\()?(?P<before>[+\-−–])?(?P<body>[0-9.,]+)(?P<after>[+\-−–])?(?P<close>\))?(?P<side>cr|dr)?$"
)
_PLAIN = re.compile(r"^(?P<whole>\d{1,3}(?:,\d{3})+|\d+)?(?:\.(?P<part>\d*))?$", re.ASCII)
_MINUS = ("-", "−", "–")


def minor(text: str, *, decimal: str, currency: str) -> int | None:
    """The amount in minor units, or None for what is no amount of that currency in that way of writing."""
    if any(currency not in _currencies(name) for name in _NAMED.findall(text)):
        return None
    match = _SIGN.match(_DRESS.sub("", text).lower())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    body = match["body"]
    if decimal == ",":
        body = body.translate(str.maketrans(",.", ".,"))
    plain = _PLAIN.match(body)
    if plain is None or not (plain["whole"] or plain["part"]):
        return None
    places = exponent(currency)
    part = (plain["part"] or "").rstrip("0")
    if len(part) > places:
        return None
    digits = (plain["whole"] or "0").replace(",", "")
    value = int(Decimal(f"{digits}.{part or '0'}").scaleb(places))
    if value > MAX_MINOR:
        return None
    negative = match["open"] or match["before"] in _MINUS or match["after"] in _MINUS or match["side"] == "dr"
    return -value if negative else value


def currency_of(text: str, *, usual: str = "") -> str:
    """The currency that a figure itself names, "" where it names none: a dollar sign is several currencies'.

    A sign of two currencies is the `usual` one's where it is one of them.
    """
    name = _NAMED.search(text)
    known = _currencies(name[0]) if name else ("",)
    return usual if usual in known else known[0]


def _currencies(name: str) -> tuple[str, ...]:
    return _SYMBOLS.get(name, (name.lower(),))


def decimal_of(texts: Iterable[str]) -> str:
    """Which character begins the decimals in a column: "." or ",", "" when its amounts can be read both ways."""
    unsure = False
    for text in texts:
        body = re.sub(r"[^\d.,]", "", text)
        marks = [character for character in body if character in ".,"]
        if not marks:
            continue
        last = marks[-1]
        if len(set(marks)) == 2:
            return last
        if len(marks) > 1:
            return "," if last == "." else "."
        if len(body.rpartition(last)[2]) != 3:
            return last
        unsure = True
    return "" if unsure else "."
