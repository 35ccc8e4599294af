"""Booking codes: seven random characters of Crockford's base 32 and a check character of the same alphabet.

The check character makes a weighted sum over GF(32) vanish; the eight weights are different powers of a generator.
So every wrong character and every exchange of two characters, adjacent or not, is noticed
(docs/decisions/0020-booking-code.md). A code is a payment reference that people read aloud and type into a
transfer's memo; it is no secret and grants nothing.
"""

import re
import secrets
import unicodedata
from itertools import combinations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
# Crockford: I and L are read as 1, O as 0. U is not in the alphabet; whoever writes one saw a V.
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—−_.·#]+")
_LONGEST_TYPED = 64
# What a spreadsheet takes for a number (12345678, 1234E567) and card networks for a text without a letter.
_NUMBER = re.compile(r"\d+(E\d+)?")


def _powers() -> tuple[int, ...]:
    """2^0 … 2^30 in GF(32) modulo x^5 + x^2 + 1: all its elements but zero, so 2 generates it."""
    powers, element = [], 1
    for _ in range(31):
        powers.append(element)
        element <<= 1
        if element & 32:
            element ^= 0b100101
    return tuple(powers)


_POWER = _powers()
_LOG = {element: exponent for exponent, element in enumerate(_POWER)}


def _weighted(*, value: int, place: int) -> int:
    """value x 2^place in GF(32)."""
    return _POWER[(_LOG[value] + place) % 31] if value else 0


def _check_value(body: str) -> int:
    """The value that the last character must have: its own weight is 2^0, the others' 2^1 … 2^7."""
    total = 0
    for place, character in enumerate(body, start=1):
        total ^= _weighted(value=_VALUE[character], place=place)
    return total


def _syndrome(code: str) -> int:
    """The whole code's weighted sum: zero for a valid one."""
    return _check_value(code[:-1]) ^ _VALUE[code[-1]]


def one_wrong(text: str) -> tuple[str, ...]:
    """The valid codes that differ from these eight characters of the alphabet in one place; none for a valid code."""
    missing = _syndrome(text)
    if not missing:
        return ()
    found = []
    for place, character in enumerate(text):
        weight = (place + 1) % LENGTH
        repair = _weighted(value=missing, place=31 - weight)
        found.append(text[:place] + ALPHABET[_VALUE[character] ^ repair] + text[place + 1 :])
    return tuple(found)


def exchanged(text: str) -> tuple[str, ...]:
    """The valid codes that these eight characters become by exchanging two of them; none for a valid code."""
    missing = _syndrome(text)
    if not missing:
        return ()
    found = []
    for left, right in combinations(range(LENGTH), 2):
        change = _VALUE[text[left]] ^ _VALUE[text[right]]
        weights = ((left + 1) % LENGTH, (right + 1) % LENGTH)
        if change and missing == _weighted(value=change, place=weights[0]) ^ _weighted(
            value=change, place=weights[1]
        ):
            swapped = list(text)
            swapped[left], swapped[right] = swapped[right], swapped[left]
            found.append("".join(swapped))
    return tuple(found)


def new() -> str:
    """A random code that nobody takes for a number. 32^7 of them: the caller tries again when one is taken."""
    while True:
        body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
        code = body + ALPHABET[_check_value(body)]
        if not _NUMBER.fullmatch(code):
            return code


def descriptor(code: str) -> str:
    """The code as it stands on a card holder's statement, ten characters at most.

    Card networks refuse a text without a letter, and a code of digits may have been given out long ago.
    """
    return code if any(character.isalpha() for character in code) else f"NO{code}"


def normalise(text: str) -> str:
    """What a person typed or a bank printed, as a code would be written; not necessarily a valid one."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST_TYPED])
    return _SEPARATORS.sub("", plain).upper().translate(_LOOKALIKES)


def is_valid(text: str) -> bool:
    """Whether `text`, normalised, is a code that could have been given out."""
    code = normalise(text)
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        return False
    return _VALUE[code[-1]] == _check_value(code[:-1])
