"""A legal text as a page: its words, since when, which versions there were before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from bookings import legal
from bookings.models import Booking, LegalKind, LegalText
from bookings.page_words import full_day
from customers.models import Merchant

ACCEPTED = (LegalKind.TERMS, LegalKind.REFUNDS)


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    since: str
    href: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """One text as a booking's customer accepted it."""

    label: str
    version: int
    href: str


def context(shown: LegalText, *, current: LegalText, merchant: Merchant) -> dict[str, Any]:
    """Everything for pages/legal.html."""
    kind = LegalKind(shown.kind)
    rows = legal.versions(merchant, kind=kind)
    return {
        "merchant": merchant,
        "title": str(kind.label),
        "version": shown.version,
        "since": _day(shown, merchant=merchant),
        "words": legal.as_html(shown.body),
        "is_current": shown.version == current.version,
        "current_href": reverse(f"bookings:{kind.value}"),
        "versions": list(_versions(rows, shown=shown, merchant=merchant)),
    }


def _versions(rows: Iterable[LegalText], *, shown: LegalText, merchant: Merchant) -> Iterable[Version]:
    for row in rows:
        since = _day(row, merchant=merchant)
        yield Version(
            row.version, since, href(LegalKind(row.kind), row.version), row.version == shown.version
        )


def _day(text: LegalText, *, merchant: Merchant) -> str:
    day: date = text.created_at.astimezone(ZoneInfo(merchant.timezone)).date()
    return full_day(day)


def terms_version(merchant: Merchant) -> str:
    """The version of the terms that a booking is made under now."""
    return str(legal.current(merchant)[LegalKind.TERMS].version)


def texts_in_force(merchant: Merchant) -> str:
    """The versions of all that the box of the booking form accepts: "2-1" for terms and cancelling."""
    texts = legal.current(merchant)
    return "-".join(str(texts[kind].version) for kind in ACCEPTED)


def href(kind: LegalKind, version: int) -> str:
    """The address of one version, for ever."""
    return reverse(f"bookings:{kind.value}-version", kwargs={"version": version})


def accepted(booking: Booking) -> tuple[Accepted, ...]:
    """What the booking's customer accepted, each with the way to that very version."""
    texts: dict[str, int] = booking.agreement.get("texts", {})
    return tuple(
        Accepted(str(kind.label), texts[kind.value], href(kind, texts[kind.value]))
        for kind in ACCEPTED
        if kind.value in texts
    )
