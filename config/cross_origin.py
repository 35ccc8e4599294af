"""Frontends on other hosts: which may call the API from a browser, and with what. None, unless a setting names them."""

from typing import Any

from corsheaders.defaults import default_headers


def settings(*, origins: list[str], credentials: bool) -> dict[str, Any]:
    """django-cors-headers' settings. `credentials` lets browsers send cookies: for session clients on named origins."""
    return {
        "CORS_ALLOWED_ORIGINS": origins,
        "CORS_ALLOW_CREDENTIALS": credentials and bool(origins),
        "CORS_URLS_REGEX": r"^/api/(v1|schema)/.*$",
        # Authorization, X-CSRFToken and Content-Type are among the default ones.
        "CORS_ALLOW_HEADERS": (*default_headers, "idempotency-key"),
        "CORS_EXPOSE_HEADERS": ("Idempotent-Replayed", "Retry-After", "WWW-Authenticate"),
        "CORS_PREFLIGHT_MAX_AGE": 3600,
    }
