"""E-mails about signing in. Of no merchant in the outbox: no console shows them, as they may hold a link."""

import secrets
from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.urls import reverse

from core import clock, outbox
from customers.models import Membership

# What allauth reports, in our words: (what happened, what it means).
NOTICES = {
    "account/email/password_changed": (
        "Your password was changed",
        "From now on you sign in with the new one.",
    ),
    "account/email/password_set": ("Your password was set", "From now on you can sign in with it."),
    "account/email/password_reset": (
        "Your password was changed",
        "It was chosen anew by the link we sent you.",
    ),
    "mfa/email/totp_activated": ("Authenticator app set up", "Signing in now asks for a code of your app."),
    "mfa/email/totp_deactivated": ("Authenticator app taken off", "Its codes no longer sign you in."),
    "mfa/email/webauthn_added": ("Passkey set up", "It now signs you in."),
    "mfa/email/webauthn_removed": ("Passkey removed", "It no longer signs you in."),
    "mfa/email/recovery_codes_generated": ("New recovery codes", "The ones you had are no longer good."),
}


def password_link(*, user: User, link: str) -> None:
    """To somebody who asked for a new password."""
    _leave(
        "sign_in_link",
        to=user.email,
        words={
            "title": "Choose a new password",
            "lede": f"Somebody, hopefully you, asked for a new password for the sign-in {user.get_username()}.",
            "label": "Choose a password",
            "link": link,
            "note": "The link is good once, for three days. If it was not you, do nothing: your password stays.",
        },
    )


def invitation(*, membership: Membership, link: str, is_new: bool) -> None:
    """To somebody who was made a member of a merchant's staff: with a link to begin, or only with the news."""
    merchant = membership.merchant.name
    role = membership.get_role_display().lower()
    words = {
        "title": f"Welcome to {merchant}",
        "lede": f"You were invited to the console of {merchant}, as {role}.",
        "label": "Choose your password",
        "link": link,
        "note": f"Your sign-in is {membership.user.get_username()}. The link is good once, for three days; an owner "
        "can send another one.",
    }
    if not is_new:
        words |= {
            "label": "Open the console",
            "link": f"{settings.SITE_URL}{reverse('admin:index')}",
            "note": "You sign in as you do already.",
        }
    _leave("sign_in_link", to=membership.user.email, words=words)


def second_factor_reset(*, user: User, link: str) -> None:
    """To somebody whose lost second step was taken off, with the way to begin anew."""
    _leave(
        "sign_in_link",
        to=user.email,
        words={
            "title": "Set up your sign-in anew",
            "lede": "Your second step was taken off, as your device was lost. Your password has ended with it.",
            "label": "Choose a password",
            "link": link,
            "note": "The link is good once, for three days; then you set up a second step again. If you did not ask "
            "for this, tell an owner at once.",
        },
    )


def notice(*, user: User, what: str) -> None:
    """That something about their sign-in changed, so that a stranger's doing is noticed."""
    if not user.email or what not in NOTICES:
        return
    title, lede = NOTICES[what]
    _leave("sign_in_notice", to=user.email, words={"title": title, "lede": lede, "at": clock.now()})


def _leave(template: str, *, to: str, words: Mapping[str, object]) -> None:
    context = {"merchant": {"name": "Tableside"}, "site_url": settings.SITE_URL, **words}
    outbox.enqueue(
        key=f"{template}:{secrets.token_urlsafe(16)}",
        to=to,
        subject=str(words["title"]),
        text=render_to_string(f"email/{template}.txt", context),
        html=render_to_string(f"email/{template}.html", context),
    )
