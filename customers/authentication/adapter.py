"""What allauth asks us: who may sign up (nobody), how mail leaves (the outbox), how secrets are kept (encrypted)."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as request_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.http import HttpRequest
from django.urls import reverse

from core.fields import DecryptionFailed, fernet
from customers.authentication import accounts, invitations, mails, proof, recent


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "That name and password do not belong together.",
        "email_password_mismatch": "That name and password do not belong together.",
        "too_many_login_attempts": "Too many wrong attempts. Wait five minutes, then try again.",
        "incorrect_password": "That is not your password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By the account: on any host name of ours, by name or by address, they are attempts on the same one."""
        typed = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
        account = accounts.find(typed)
        return f"name:{typed}" if account is None else f"account:{account.pk}"

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Asked before changes to second factors; having just signed in is proof enough."""
        return not recent.recently_authenticated(request_context.request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("mfa_index")

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """By the account's own name: an e-mail address may be another account's too."""
        found = self.authenticate(request_context.request, username=user.get_username(), password=password)
        return found is not None and found.pk == user.pk

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Absolute, by SITE_URL and not by whatever host was asked for."""
        user, _, token = key.partition("-")
        return invitations.absolute_link(user=user, token=token)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        mails.password_link(user=user, link=context["password_reset_url"])

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """To the account's own address: what was changed and when."""
        mails.notice(user=user, what=template_prefix)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is not right, or was used before.",
        "cannot_delete_authenticator": "This is your last second factor: add another one first.",
    }

    def encrypt(self, text: str) -> str:
        return fernet().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return fernet().decrypt(encrypted_text.encode("ascii")).decode()
        except (InvalidToken, UnicodeError):
            raise DecryptionFailed("mfa.Authenticator.data: no key opens the stored value.") from None

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Where staff need a second factor, the last one stays."""
        if authenticator.type not in proof.SECOND_FACTORS or not settings.STAFF_MFA_REQUIRED:
            return True
        others = Authenticator.objects.filter(user=authenticator.user, type__in=proof.SECOND_FACTORS)
        return others.exclude(pk=authenticator.pk).exists()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": request_context.request.get_host().partition(":")[0], "name": "Tableside"}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """Proposed in the form."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return "My passkey" if count == 0 else f"Passkey {count + 1}"
