"""How amounts, moments, states, links and payloads look on staff pages. Shows; computes nothing."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.money import format_minor

NOTHING = "–"
# Values that open something by themselves: never shown, wherever in a payload they stand.
_SECRET_NAMES = re.compile(r"(secret|api_?key|password|token|authorization|signature)", re.IGNORECASE)
_SECRET_VALUES = re.compile(r"\b(sk|rk|whsec)_[A-Za-z0-9_]{6,}|_secret_[A-Za-z0-9]+")
HIDDEN = "(not shown)"


@dataclass(frozen=True)
class Figure:
    """One of the few numbers a page starts with. `tone`: good, warn, bad or empty."""

    label: str
    value: object
    note: object = ""
    tone: str = ""


MOST_COLUMNS_ON_A_PHONE = 5


@dataclass(frozen=True)
class Panel:
    """A table on a detail page. `numeric` names the columns that stand flush right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing yet."
    note: object = ""
    numeric: frozenset[int] = field(default_factory=frozenset)
    total: Sequence[object] = ()

    @property
    def is_wide(self) -> bool:
        """Too many columns for a phone (a moment takes two): there cells stand one under the other, with labels."""
        most = MOST_COLUMNS_ON_A_PHONE - 2 if self.columns[0] == "When" else MOST_COLUMNS_ON_A_PHONE
        return len(self.columns) > most

    @property
    def labelled(self) -> list[list[tuple[str, object, bool]]]:
        """Each row's cells as (the column's name, the cell, flush right)."""
        return [
            [
                (label, cell, place in self.numeric)
                for place, (label, cell) in enumerate(zip(self.columns, row, strict=False))
            ]
            for row in self.rows
        ]


def amount(minor: int | None, *, currency: str, locale: str = "en_US") -> SafeString | str:
    if minor is None:
        return NOTHING
    text = format_minor(minor, currency, locale)
    return format_html('<span class="ts-money{}">{}</span>', "" if minor else " ts-nil", text)


def moment(when: datetime | None, *, zone: str = "") -> str:
    """ "Sat 21 Nov 2026, 18:00 PST"; in the reader's (merchant's) zone unless one is given."""
    if when is None:
        return NOTHING
    local = when.astimezone(ZoneInfo(zone)) if zone else timezone.localtime(when)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {local:%Z}"


def stamp(when: datetime | None) -> str:
    """ "20 Nov 2026, 16:30", for lists; in the reader's (merchant's) zone."""
    if when is None:
        return NOTHING
    local = timezone.localtime(when)
    return f"{local.day} {local:%b %Y, %H:%M}"


def badge(text: object, *, tone: str = "") -> SafeString:
    return format_html('<span class="ts-badge ts-{}">{}</span>', tone or "plain", text)


def link(row: Model | None, *, text: object = "") -> SafeString | str:
    """To the row's own page in the console."""
    if row is None:
        return NOTHING
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="ts-link" href="{}">{}</a>', url, text or row)


def pretty_json(value: object) -> SafeString:
    """Indented, without secrets."""
    return format_html(
        '<pre class="ts-json" tabindex="0">{}</pre>', json.dumps(redacted(value), indent=2, default=str)
    )


def redacted(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: HIDDEN if _SECRET_NAMES.search(str(name)) and isinstance(inner, str) else redacted(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    if isinstance(value, str) and _SECRET_VALUES.search(value):
        return HIDDEN
    return value
