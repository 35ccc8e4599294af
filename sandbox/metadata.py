"""Stripe's rules for metadata: merged key by key, an empty value removes a key, an empty string all of them."""

from __future__ import annotations

from typing import Any

from sandbox.errors import StripeError

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500


def merged(*, current: dict[str, str] | None, sent: Any) -> dict[str, str]:
    """The metadata after an update with `sent` (a hash, "" or None when it was not sent)."""
    if sent == "":
        return {}
    result = dict(current or {})
    for key, value in (sent or {}).items():
        _check(key, str(value))
        if value == "":
            result.pop(key, None)
        else:
            result[key] = str(value)
    if len(result) > MOST_KEYS:
        raise StripeError(f"You can only specify up to {MOST_KEYS} keys in metadata.", param="metadata")
    return result


def _check(key: str, value: str) -> None:
    if len(key) > LONGEST_KEY:
        raise StripeError(
            f"Metadata keys must be at most {LONGEST_KEY} characters long: '{key:.40}' is longer.",
            param="metadata",
        )
    if len(value) > LONGEST_VALUE:
        raise StripeError(
            f"Metadata values must be at most {LONGEST_VALUE} characters long. "
            f"The value under '{key}' has {len(value)}.",
            param=f"metadata[{key}]",
        )
