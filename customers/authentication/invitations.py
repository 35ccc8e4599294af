"""Staff are invited: an owner names an e-mail address, the person gets a link and chooses a password by it.

A link is good once (choosing a password ends it), for PASSWORD_RESET_TIMEOUT. Opening it changes nothing, so mail
scanners may. Nobody but the person ever knows the password.
"""

from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from customers.authentication import mails
from customers.models import Membership


def link_for(user: User) -> str:
    """Where this person chooses a password; each call makes a link, all end with the first password chosen."""
    token = PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return absolute_link(user=user_pk_to_url_str(user), token=token)


def absolute_link(*, user: str, token: str) -> str:
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": token})
    return f"{settings.SITE_URL}{path}"


def send(membership: Membership) -> None:
    """The e-mail of an invitation; again whenever asked. Who chose a password already gets the news without a link."""
    user = membership.user
    is_new = not user.has_usable_password()
    mails.invitation(membership=membership, link=link_for(user) if is_new else "", is_new=is_new)
