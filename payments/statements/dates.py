"""Days as banks print them: 2026-03-04 · 3/4/2026 · 04.03.2026 · 2026/3/4 · Mar 4, 2026. Pure; never guessed."""

import re
from collections.abc import Iterable
from datetime import date

ORDERS = {"mdy": "month first (3/4 is March 4)", "dmy": "day first (3/4 is 3 April)"}
_NUMERIC = re.compile(r"^(\d{1,4})([./\-])(\d{1,2})\2(\d{1,4})(?:[T ,].*)?$", re.ASCII)
_SOLID = re.compile(r"^(20\d\d)(\d\d)(\d\d)$", re.ASCII)
_WORDS = re.compile(
    r"^(?:([0-9]{1,2})[.\s-]+([A-Za-z]{3,9})|([A-Za-z]{3,9})\.?\s+([0-9]{1,2})),?[.\s-]+([0-9]{4})(?:[T ,].*)?$"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def day(text: str, *, order: str) -> date | None:
    """The day, or None for what is none. `order` decides where month and day both may come first."""
    text = text.strip()
    if solid := _SOLID.match(text):
        return _date(*(int(part) for part in solid.groups()))
    if words := _WORDS.match(text):
        return _of_words(words)
    numeric = _NUMERIC.match(text)
    if numeric is None:
        return None
    first, mark, second, third = numeric.groups()
    if len(first) == 4:
        return _date(int(first), int(second), int(third))
    if len(third) not in (2, 4):
        return None
    year = int(third) if len(third) == 4 else 2000 + int(third)
    if mark == "." or order == "dmy":
        return _date(year, int(second), int(first))
    return _date(year, int(first), int(second))


def order_of(texts: Iterable[str]) -> str:
    """Whether month or day comes first in a column: "mdy", "dmy", or "" when nothing in it tells."""
    asked = False
    for text in texts:
        numeric = _NUMERIC.match(text.strip())
        if numeric is None or len(numeric[1]) == 4 or numeric[2] == ".":
            continue
        if int(numeric[1]) > 12:
            return "dmy"
        if int(numeric[3]) > 12:
            return "mdy"
        asked = asked or numeric[1] != numeric[3]
    return "" if asked else "mdy"


def _of_words(match: re.Match[str]) -> date | None:
    number, name = (match[1], match[2]) if match[1] else (match[4], match[3])
    month = name[:3].lower()
    if month not in _MONTHS:
        return None
    return _date(int(match[5]), _MONTHS.index(month) + 1, int(number))


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
