"""Which column of a bank's file is what: guessed from header and content, asked where unsure, remembered."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.errors import Invalid
from customers.models import Merchant, PaymentMethod
from payments.models import CLAIMED_METHODS, StatementMapping
from payments.statements import amounts, dates
from payments.statements.reading import Table

PLACES = (
    "booked_on", "amount", "credit", "debit", "side", "fee", "description", "payer", "reference", "currency", "status",
)  # fmt: skip
LABELS = {
    "booked_on": "Day",
    "amount": "Amount, with a sign",
    "credit": "Money in",
    "debit": "Money out",
    "side": "In or out, in words",
    "fee": "Fee that Venmo kept",
    "description": "Text",
    "payer": "Who paid",
    "reference": "The bank's own id",
    "currency": "Currency",
    "status": "Whether it happened",
}
_WORDS: dict[str, tuple[str, ...]] = {
    "booked_on": ("posting date", "posted", "transaction date", "booking date", "date", "datetime", "datum"),
    "amount": ("amount (total)", "amount", "transaction amount", "net amount", "betrag", "importe", "montant", "value"),
    "credit": ("credit", "credits", "credit amount", "deposit", "deposits", "money in", "paid in", "haben"),
    "debit": ("debit", "debits", "debit amount", "withdrawal", "withdrawals", "money out", "paid out", "soll"),
    "fee": ("amount (fee)", "fee", "fees"),
    "description": ("description", "note", "memo", "details", "transaction description", "verwendungszweck"),
    "payer": ("from", "payer", "payee", "name", "sender", "counterparty", "auftraggeber"),
    "reference": ("transaction id", "id", "reference", "reference number", "bank reference", "confirmation", "fit id"),
    "currency": ("currency", "währung", "ccy"),
    "status": ("status", "transaction status"),
    "side": (
        "transaction type", "credit/debit", "debit/credit", "credit or debit", "debit or credit", "cr/dr", "dr/cr",
        "type", "details",
    ),
}  # fmt: skip
OUT = frozenset(("debit", "debits", "dr", "d", "withdrawal", "out", "money out", "soll", "s"))
_IN = frozenset(("credit", "credits", "cr", "c", "deposit", "in", "money in", "haben", "h"))
_NO_AMOUNT = re.compile(r"account|number|balance|check|\bid\b|\bno\b|#|zip|card", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Places of columns, from 0, None where the bank prints no such thing; amounts are signed, or two columns.

    `order` of dates and `decimal` of amounts are "" while only a person can tell. `flipped`: money in is negative.
    `fee_within`: the amount is what was left after `fee`. `method`: what its lines usually are.
    """

    booked_on: int | None = None
    amount: int | None = None
    credit: int | None = None
    debit: int | None = None
    fee: int | None = None
    description: int | None = None
    payer: int | None = None
    reference: int | None = None
    currency: int | None = None
    side: int | None = None
    status: int | None = None
    order: str = ""
    decimal: str = ""
    flipped: bool = False
    fee_within: bool = False
    method: str = PaymentMethod.ZELLE.value

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Question:
    """What a person must say before anything can be read: the field, why it is asked, and an example of the file."""

    name: str
    words: str


def from_json(values: dict[str, Any]) -> Columns:
    """What was remembered, without what later versions do not know."""
    known = {field.name for field in fields(Columns)}
    return Columns(**{name: value for name, value in values.items() if name in known})


def guess(table: Table) -> Columns:
    """The likeliest columns, by what they are called, else by what stands in them."""
    found: dict[str, int] = {}
    for name in PLACES:
        for word in _WORDS[name]:
            place = _called(table, word, taken=set(found.values()))
            if place is not None and (name != "side" or _tells_sides(table, place)):
                found[name] = place
                break
    if "booked_on" not in found:
        _put(
            found,
            "booked_on",
            table,
            lambda text: dates.day(text, order="mdy") or dates.day(text, order="dmy"),
        )
    if not {"amount", "credit", "debit"} & found.keys():
        _put(found, "amount", table, _is_amount, but=_NO_AMOUNT)
        if "amount" not in found:
            _put(found, "amount", table, _is_amount)
    if "amount" in found:
        found.pop("credit", None)
        found.pop("debit", None)
    if "description" not in found:
        _put(found, "description", table, lambda text: re.search(r"[A-Za-z]{3}.*\s", text))
    venmo = any("venmo" in title.lower() for title in table.header) or "fee" in found
    method = PaymentMethod.VENMO if venmo else PaymentMethod.ZELLE
    return with_reading(from_json({**found, "method": method.value}), table)


def with_reading(columns: Columns, table: Table) -> Columns:
    """The same columns with what their content tells about dates and decimals, where that was not said yet."""
    figures = [
        text for place in (columns.amount, columns.credit, columns.debit) for text in table.column(place)
    ]
    values = columns.as_json()
    values["order"] = columns.order or dates.order_of(table.column(columns.booked_on))
    values["decimal"] = columns.decimal or amounts.decimal_of(figures)
    return from_json(values)


def _called(table: Table, word: str, *, taken: set[int]) -> int | None:
    for place, title in enumerate(table.header):
        if place not in taken and " ".join(title.lower().split()) == word:
            return place
    return None


def _tells_sides(table: Table, place: int) -> bool:
    """Whether a column says in words which way the money went, in each of its filled cells."""
    said = {text.casefold() for text in table.column(place) if text}
    return bool(said) and said <= OUT | _IN


def _is_amount(text: str) -> bool:
    return bool(re.search(r"\d", text)) and any(
        amounts.minor(text, decimal=mark, currency=amounts.currency_of(text) or "usd") is not None
        for mark in amounts.DECIMALS
    )


def _put(
    found: dict[str, int],
    name: str,
    table: Table,
    test: Callable[[str], object],
    *,
    but: re.Pattern[str] | None = None,
) -> None:
    """The first free column in most of whose filled cells the test holds; none whose title is like `but`."""
    for place, title in enumerate(table.header):
        filled = [text for text in table.column(place) if text]
        if place in found.values() or not filled or (but is not None and but.search(title)):
            continue
        if sum(bool(test(text)) for text in filled) > len(filled) / 2:
            found[name] = place
            return


def questions(columns: Columns, table: Table) -> list[Question]:
    """What is still unknown; nothing is read as a guess."""
    asked = []
    if columns.booked_on is None:
        asked.append(Question("booked_on", "Which column holds the day?"))
    if columns.amount is None and columns.credit is None and columns.debit is None:
        asked.append(Question("amount", "Which column holds the amount?"))
    if columns.description is None and columns.payer is None and columns.reference is None:
        asked.append(
            Question("description", "Which column holds the text in which payers write the booking's code?")
        )
    used = [place for name in PLACES if (place := getattr(columns, name)) is not None]
    if any(place >= len(table.header) for place in used):
        asked.append(Question("booked_on", "Choose among the columns of this file."))
    if columns.booked_on is not None and not columns.order:
        example = next((text for text in table.column(columns.booked_on) if text), "")
        asked.append(Question("order", f"Does “{example}” begin with the month or with the day?"))
    if not columns.decimal:
        asked.append(Question("decimal", "Are 1,234 and 1.234 thousands or decimals in this file?"))
    return asked


def remembered(merchant: Merchant, table: Table) -> StatementMapping | None:
    """How this merchant's staff mapped a file with this header before."""
    return StatementMapping.objects.filter(merchant=merchant, header_fingerprint=table.fingerprint).first()


def remember(merchant: Merchant, table: Table, *, columns: Columns, name: str) -> StatementMapping:
    """Keep the answer for the next file with this header. Raises Invalid while something is still unknown."""
    if unknown := questions(columns, table):
        raise Invalid(unknown[0].words, fields={one.name: one.words for one in unknown})
    if columns.method not in CLAIMED_METHODS and columns.method not in ("cash", "check"):
        raise Invalid("Zelle, Venmo, cash or check.", fields={"method": "Zelle, Venmo, cash or check."})
    mapping, _ = StatementMapping.objects.update_or_create(
        merchant=merchant,
        header_fingerprint=table.fingerprint,
        defaults={"name": name[:80] or "Account", "columns": columns.as_json()},
    )
    return mapping
