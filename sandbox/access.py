"""Who is calling, and in which version: secret or publishable key, by Basic or Bearer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from sandbox.config import API_VERSION, Settings
from sandbox.errors import StripeError


def key_of(headers: Mapping[str, str]) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def is_publishable(*, key: str | None, settings: Settings) -> bool:
    """Raises Stripe's 401 for a missing or unknown key."""
    if not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if key == settings.secret_key:
        return False
    if key == settings.publishable_key:
        return True
    hidden = key[:8] + "*" * max(len(key) - 12, 4) + key[-4:]
    raise StripeError(f"Invalid API Key provided: {hidden}", status=401)


def refuse_publishable() -> StripeError:
    return StripeError(
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of "
        "your API keys at https://dashboard.stripe.com/account/apikeys.",
        status=403,
        code="secret_key_required",
    )


def check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise StripeError(
            f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only.",
            code="api_version_invalid",
        )


def check_account(headers: Mapping[str, str], *, own: str) -> None:
    wanted = headers.get("stripe-account", own)
    if wanted != own:
        raise StripeError(
            f"The provided key does not have access to account '{wanted}' (or that account does not exist). "
            "Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
