"""Settings of signing in: django-allauth for the pages of staff, PyJWT's tokens for the API.

Pages and rules stand in customers/authentication; this is only what the libraries read from the settings.
"""

from typing import Any

APPS = ["allauth.account", "allauth.mfa"]
BACKENDS = [
    "customers.authentication.backend.PasswordBackend",  # signs in; superusers manage sign-ins
    "customers.access.MembershipBackend",  # says what a sign-in may do
]
# Behind Django's AuthenticationMiddleware, in this order.
MIDDLEWARE = [
    "allauth.account.middleware.AccountMiddleware",
    "customers.authentication.middleware.SecondFactorMiddleware",
]


def settings(*, development: bool, trusted_proxies: int) -> dict[str, Any]:
    return {
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "admin:index",
        "ALLAUTH_TRUSTED_PROXY_COUNT": trusted_proxies,
        "ACCOUNT_ADAPTER": "customers.authentication.adapter.AccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"email", "username"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "username*", "password1*"],  # sign-up is closed; a check wants it
        "ACCOUNT_EMAIL_VERIFICATION": "none",  # an invitation reached the address, or it would not be one
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,  # nobody is written to because a stranger typed an address
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_LOGIN_ON_PASSWORD_RESET": True,  # through the second factor, as any other sign-in
        "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 15 * 60,
        "ACCOUNT_SESSION_REMEMBER": False,  # until the browser closes, SESSION_COOKIE_AGE at most
        "ACCOUNT_FORMS": {"login": "customers.authentication.forms.LoginForm"},
        # Five wrong passwords, or codes, for one account in five minutes; twenty from one address in a minute.
        "ACCOUNT_RATE_LIMITS": {"login_failed": "20/m/ip,5/5m/key"},
        "MFA_ADAPTER": "customers.authentication.adapter.SecondFactorAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,  # accounts are made by invitation, never by a stranger's sign-up
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "Tableside",
        "MFA_TOTP_TOLERANCE": 1,  # clocks differ; a code is good once all the same (customers.authentication.codes)
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": development,  # http://localhost
        "MFA_FORMS": {
            "authenticate": "customers.authentication.forms.CodeForm",
            "reauthenticate": "customers.authentication.forms.CodeAgainForm",
            "activate_totp": "customers.authentication.forms.ActivateAppForm",
        },
    }
