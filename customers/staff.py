"""Sign-ins of staff: an owner invites by e-mail address; who lost their second step is let in anew.

Nobody but the person knows their password. Only the commands that set an installation up give a first one.
"""

import logging

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction

from core.errors import Conflict, Invalid
from customers.authentication import accounts, invitations, mails, tokens
from customers.models import Membership, Merchant, Role

logger = logging.getLogger(__name__)


class SignInRefused(Invalid):
    """The sign-in cannot be used for staff; the detail says why."""

    code = "sign_in_refused"
    title = "That sign-in cannot be used"


class ResetRefused(Conflict):
    """The second step is not taken off; the detail says why."""

    code = "second_factor_reset_refused"
    title = "The second step stays"


def check_invitable(*, email: str, merchant: Merchant) -> None:
    """Raise SignInRefused unless `invite` would make this person a member."""
    found = accounts.find(email)
    if found is None:
        return
    if not found.is_active:
        raise SignInRefused("That sign-in was closed. The operator of this installation can open it again.")
    if not found.email:
        raise SignInRefused("That sign-in has no e-mail address to write to.")
    if Membership.objects.filter(user=found, merchant=merchant).exists():
        raise SignInRefused("They work here already: change their role instead.")


def account_for(*, email: str, name: str = "") -> User:
    """The account of that address, made staff; a new one without a password when there is none. Part of `invite`."""
    address = email.strip().lower()
    first, _, last = name.strip().partition(" ")
    found = accounts.find(address)
    if found is None:
        new = {"email": address, "first_name": first[:150], "last_name": last[:150]}
        found, _ = User.objects.get_or_create(
            username=address, defaults={**new, "password": make_password(None)}
        )
    if not found.is_staff:
        found.is_staff = True
        found.save(update_fields=["is_staff"])
    return found


def invite(*, email: str, merchant: Merchant, role: str, name: str = "") -> Membership:
    """Make the person of that address a member of the merchant's staff, and write to them. SignInRefused."""
    check_invitable(email=email, merchant=merchant)
    with transaction.atomic():
        membership = Membership.objects.create(
            user=account_for(email=email, name=name), merchant=merchant, role=role
        )
        invitations.send(membership)
    return membership


def reset_second_factor(user: User, *, by: str) -> None:
    """For somebody who lost device and recovery codes: all ways in end, and a link to begin anew goes to their address.

    `by` ("user:7", "command") is logged. Neither who asks nor who does it can sign in as the person. ResetRefused.
    """
    if not user.email:
        raise ResetRefused("That sign-in has no e-mail address to send a link to.")
    with transaction.atomic():
        account = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        gone, _ = Authenticator.objects.filter(user=account).delete()
        if not gone:
            raise ResetRefused("They have set up no second step. The page to sign in sends a new password.")
        account.set_unusable_password()  # ends their sessions too
        account.save(update_fields=["password"])
        tokens.revoke_all(account)
        mails.second_factor_reset(user=account, link=invitations.link_for(account))
    logger.warning("Second factor of user %s taken off by %s", user.pk, by)


def check(*, username: str, password: str) -> None:
    """Raise SignInRefused unless `sign_in` would give a staff account."""
    found = User.objects.filter(username=username).first()
    if found is not None:
        if not found.is_staff or not found.is_active:
            raise SignInRefused("That sign-in is not a staff account. Choose another name.")
        return
    if not password:
        raise SignInRefused("Nobody signs in with that name yet: give a first password to make the account.")
    try:
        User.username_validator(username)
        validate_password(password, User(username=username))
    except DjangoValidationError as error:
        raise SignInRefused(" ".join(error.messages)) from error


def sign_in(*, username: str, password: str) -> User:
    """The staff account of that name: the existing one (its password stays) or a new one. For set-up commands."""
    check(username=username, password=password)
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(username=username, password=password, is_staff=True)


def is_last_owner(membership: Membership) -> bool:
    """Would the merchant have no owner without this membership?"""
    owners = Membership.objects.filter(merchant_id=membership.merchant_id, role=Role.OWNER)
    return owners.filter(pk=membership.pk).exists() and not owners.exclude(pk=membership.pk).exists()
