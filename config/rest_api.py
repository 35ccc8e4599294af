"""Settings of the API: how callers are known, what it refuses with, and how its document is written."""

from collections.abc import Mapping
from typing import Any


def settings(*, trusted_proxies: int, rates: Mapping[str, str]) -> dict[str, Any]:
    """Django REST framework's and drf-spectacular's. `rates` by throttle scope."""
    return {
        "REST_FRAMEWORK": {
            "DEFAULT_AUTHENTICATION_CLASSES": [
                "customers.api.authentication.AccessToken",
                "bookings.api.access.BookingToken",
                "customers.api.authentication.StaffSession",
                "customers.api.authentication.CustomerSession",
            ],
            "DEFAULT_PERMISSION_CLASSES": ["bookings.api.access.IsKnown"],
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
            "DEFAULT_THROTTLE_RATES": dict(rates),
            "NUM_PROXIES": trusted_proxies,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["core.parsers.JsonParser"],
            "DEFAULT_SCHEMA_CLASS": "core.api.Schema",
            "EXCEPTION_HANDLER": "core.problems.exception_handler",
        },
        "SPECTACULAR_SETTINGS": {
            "TITLE": "Tableside",
            "DESCRIPTION": "Bookings and payments for event caterers. docs/api.md walks from a price to a receipt.",
            "VERSION": "1",
            "SERVE_INCLUDE_SCHEMA": False,
            "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
            "SERVE_AUTHENTICATION": [],
            "SCHEMA_PATH_PREFIX": "/api/v1",
            "COMPONENT_SPLIT_REQUEST": True,
            "ENUM_NAME_OVERRIDES": {
                "BookingStateEnum": "bookings.models.BookingState",
                "PaymentStateEnum": "payments.models.PaymentState",
                "CheckoutModeEnum": "payments.models.CheckoutMode",
                "PurposeEnum": "bookings.models.Purpose",
                "PaymentMethodEnum": "customers.models.PaymentMethod",
                "TransferMethodEnum": "payments.api.manual_shapes.METHOD_CHOICES",
                "ClaimedMethodEnum": "payments.api.manual_shapes.CLAIMED_CHOICES",
                "RefundStateEnum": "payments.models.RefundState",
                "RefundRouteEnum": "payments.models.RefundRoute",
                "LineKindEnum": "bookings.models.LineKind",
                "PerEnum": "bookings.models.Per",
            },
            "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
            "SWAGGER_UI_DIST": "SIDECAR",
            "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
            "REDOC_DIST": "SIDECAR",
        },
    }
