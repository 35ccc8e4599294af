"""Signing in by password: one look-up and one hash, whether the account exists or not."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from customers.authentication import accounts


class PasswordBackend(AuthenticationBackend):
    """allauth's, which adds a hash for unknown names; its own search may hash once per way to read the name."""

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        login = credentials.get("email") or credentials.get("username") or ""
        account = accounts.find(str(login))
        found: User | None = self._check_password(account, credentials.get("password") or "")
        return found
