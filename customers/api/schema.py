"""How the OpenAPI document describes the ways to be known. Imported by the URL table, which registers them."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class AccessTokenInSchema(OpenApiAuthenticationExtension):
    target_class = "customers.api.authentication.AccessToken"
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`Bearer <access_token>`, what POST auth/login or auth/refresh answered with.",
        }


class StaffSessionInSchema(OpenApiAuthenticationExtension):
    target_class = "customers.api.authentication.StaffSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The console's session; POST, PUT, PATCH and DELETE need the CSRF token too.",
        }


class CustomerSessionInSchema(OpenApiAuthenticationExtension):
    target_class = "customers.api.authentication.CustomerSession"
    name = "customerSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A customer's browser, signed in by a one-time link; writing needs the CSRF token too.",
        }


class ChallengeInSchema(OpenApiAuthenticationExtension):
    """Nobody signs in by it."""

    target_class = "customers.api.authentication.Challenge"
    name = "none"

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return []
