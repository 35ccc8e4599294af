"""Errors as Stripe answers them. Raised by handlers, rendered by the pipeline.

`keeps_effects` tells the pipeline to commit what the handler did: a decline leaves a failed charge behind.
"""

from __future__ import annotations

from typing import Any

DOCUMENTATION = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """One error of the API; `body()` is Stripe's JSON."""

    keeps_effects = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.extra = extra

    def body(self, *, request_id: str | None) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = DOCUMENTATION + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        if request_id:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": {**error, **{key: value for key, value in self.extra.items() if value is not None}}}


class CardError(StripeError):
    """The issuer said no. What happened (a failed charge, the intent's new state) stays."""

    keeps_effects = True

    def __init__(self, message: str, *, code: str, param: str | None = None, **extra: Any) -> None:
        super().__init__(message, status=402, type="card_error", code=code, param=param, **extra)


class AuthenticationFailed(StripeError):
    """3D Secure was failed or is impossible. What happened stays."""

    keeps_effects = True


def missing(*, kind: str, id: str, param: str = "id") -> StripeError:
    label = {
        "checkout.session": "checkout.session",
        "payment_method": "PaymentMethod",
        "setup_intent": "setupintent",
    }.get(kind, kind)
    return StripeError(
        f"No such {label}: '{id}'",
        status=404 if param in ("id", "intent") else 400,
        code="resource_missing",
        param=param,
    )


def not_modelled(what: str) -> StripeError:
    """The real Stripe would do it; this sandbox does not, and says so instead of pretending."""
    return StripeError(
        f"The sandbox does not model {what} (see sandbox/README.md).", code="sandbox_not_modelled"
    )
