"""The forms of signing in, where ours differ from allauth's: labels, and codes that are good once."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp import forms as app_forms

from customers.authentication import codes

CODE = {
    "inputmode": "numeric",
    "autocomplete": "one-time-code",
    "autocapitalize": "off",
    "spellcheck": "false",
    "autofocus": True,
    "placeholder": "",
}


class LoginForm(account_forms.LoginForm):
    """Says the same of a wrong password and of an account that does not exist."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail address or user name"
        self.fields["login"].widget.attrs.update(
            {"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false", "placeholder": ""}
        )
        self.fields["login"].max_length = 254
        self.fields["password"].widget.attrs["placeholder"] = ""
        self.fields["password"].help_text = ""


class _OneCode:
    """Mixed into allauth's code forms: a code of the app that was shown before is a wrong one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(CODE)  # type: ignore[attr-defined]
        self.fields["code"].label = "Code"  # type: ignore[attr-defined]
        self.fields["code"].max_length = 32  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if not codes.spend(self.user, code):  # type: ignore[attr-defined]
            raise codes.wrong()
        return code


class CodeForm(_OneCode, code_forms.AuthenticateForm):
    """The second step of signing in."""


class CodeAgainForm(_OneCode, code_forms.ReauthenticateForm):
    """Proving it anew before something that matters."""


class ActivateAppForm(_OneCode, app_forms.ActivateTOTPForm):
    """Setting an app up: the code that proves it is not a sign-in's as well."""
