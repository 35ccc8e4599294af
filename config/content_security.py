"""What a customer's browser may load, and from where: our own pages, and Stripe's card fields."""

from typing import Any

from csp.constants import NONCE, SELF


def policy(*, development: bool, stripe_js_url: str, stripe_api_base: str) -> dict[str, Any]:
    """django-csp's policy. The console sets its own."""
    script_origin = "/".join(stripe_js_url.split("/")[:3])
    frames = [script_origin] if development else [script_origin, "https://hooks.stripe.com"]
    return {
        "EXCLUDE_URL_PREFIXES": ["/admin/"],
        "DIRECTIVES": {
            "default-src": ["'self'"],
            "script-src": [SELF, NONCE, script_origin],
            "style-src": ["'self'"],
            "img-src": ["'self'", "data:"],
            "frame-src": frames,
            "connect-src": ["'self'", stripe_api_base],
            "form-action": ["'self'", script_origin, "https://checkout.stripe.com"],
            "frame-ancestors": ["'none'"],
            "base-uri": ["'self'"],
            "object-src": ["'none'"],
        },
    }
