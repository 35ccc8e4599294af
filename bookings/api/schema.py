"""What the OpenAPI document cannot read from the code itself. Imported by the URL table, which registers it."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BookingTokenInSchema(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes BookingToken."""

    target_class = "bookings.api.access.BookingToken"
    name = "bookingToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Booking <access_token>`, the token that POST bookings answered with.",
        }
