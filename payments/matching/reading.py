"""Booking codes in what people and banks write, whole or damaged. Pure: no database, so a trace may be of no booking.

The code's check character notices one wrong character and any exchange of two, so a damaged code has few repairs and
none of them is hit by chance in practice: 32^7 codes exist.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bookings import codes

LONGEST_TEXT = 1_000
SHORTEST = 5  # A code that lost more than three leading zeros is not told from any number.
_WORD = re.compile(r"[0-9A-Za-z]+")


class Damage(StrEnum):
    """What happened to a code, mildest first. Case, spaces, dashes and look-alikes (O/0, I/L/1) are no damage."""

    NONE = "none"
    GLUED = "glued"  # inside a longer word
    ZEROS = "zeros"  # leading zeros lost
    SWAPPED = "swapped"  # two characters exchanged
    WRONG = "wrong"  # one character wrong


_ORDER = list(Damage)


@dataclass(frozen=True, slots=True)
class Trace:
    """A code that `written` may mean."""

    code: str
    written: str
    damage: Damage

    @property
    def severity(self) -> int:
        return _ORDER.index(self.damage)


def traces(text: str) -> tuple[Trace, ...]:
    """Every code that the text may hold, each once, by its mildest damage."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])
    words = _WORD.findall(plain)
    found: dict[str, Trace] = {}
    for trace in _all(words):
        before = found.get(trace.code)
        if before is None or trace.severity < before.severity:
            found[trace.code] = trace
    return tuple(found.values())


def _all(words: list[str]) -> Iterator[Trace]:
    codings = [codes.normalise(word) for word in words]
    for first in range(len(words)):
        joined = ""
        for last in range(first, min(first + codes.LENGTH, len(words))):
            joined += codings[last]
            if len(joined) > codes.LENGTH:
                break
            if len(joined) >= SHORTEST:
                yield from _of(joined, written=" ".join(words[first : last + 1]))
    whole = "".join(codings)
    for start in range(len(whole) - codes.LENGTH + 1):
        window = whole[start : start + codes.LENGTH]
        if codes.is_valid(window):
            yield Trace(window, window, Damage.GLUED)


def _of(joined: str, *, written: str) -> Iterator[Trace]:
    if len(joined) < codes.LENGTH:
        padded = joined.rjust(codes.LENGTH, "0")
        if codes.is_valid(padded):
            yield Trace(padded, written, Damage.ZEROS)
        return
    if codes.is_valid(joined):
        yield Trace(joined, written, Damage.NONE)
        return
    for code in codes.exchanged(joined):
        yield Trace(code, written, Damage.SWAPPED)
    for code in codes.one_wrong(joined):
        yield Trace(code, written, Damage.WRONG)
