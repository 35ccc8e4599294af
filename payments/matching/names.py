"""Whether two names may be one person's, as banks and customers write them. Pure."""

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 2
# What banks print around a name, and what is no part of one.
_NOISE = frozenset(
    _WORD.findall(
        "zelle venmo payment payments from to transfer credit deposit received sent the and for mr mrs ms dr llc inc "
        "co ref reference conf memo note bank check cash ach online mobile party catering event booking"
    )
)


def tokens(text: str) -> frozenset[str]:
    """The words that can belong to a name, without accents and case."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return frozenset(word for word in _WORD.findall(bare) if len(word) >= _SHORTEST) - _NOISE


def agreement(name: frozenset[str], *, seen: Iterable[str]) -> float:
    """How much of `name` stands among the words seen: 1.0 the whole of it (two words at least), 0.5 a part, 0.0."""
    if not name:
        return 0.0
    shared = name & frozenset(seen)
    if len(shared) == len(name) and len(name) > 1:
        return 1.0
    return 0.5 if any(len(word) > _SHORTEST for word in shared) else 0.0
