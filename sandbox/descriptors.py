"""Statement descriptors: what Stripe accepts, and what ends up on the card holder's statement."""

from __future__ import annotations

from typing import Any

from sandbox.errors import StripeError
from sandbox.objects.account import STATEMENT_PREFIX

LONGEST = 22
FORBIDDEN = set("<>\\'\"*")


def check(params: dict[str, Any]) -> None:
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        value = params.get(name)
        if value:
            _check_one(name=name, value=value)


def _check_one(*, name: str, value: str) -> None:
    if len(value) > LONGEST:
        raise StripeError(f"The {name.replace('_', ' ')} must be at most {LONGEST} characters.", param=name)
    if FORBIDDEN & set(value):
        raise StripeError(
            f"The {name.replace('_', ' ')} must not contain any of the following characters: <>\\'\"*",
            param=name,
        )
    if not any(character.isalpha() for character in value):
        raise StripeError(
            f"The {name.replace('_', ' ')} must contain at least one alphabetic character.", param=name
        )


def calculated(suffix: str | None) -> str:
    """Prefix of the account, `* `, suffix; cut to what a statement holds."""
    whole = f"{STATEMENT_PREFIX}* {suffix}" if suffix else STATEMENT_PREFIX
    return whole[:LONGEST].upper()
