"""Sign-ins of staff: an owner names the person; someone new gets a first password."""

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError

from core.errors import Invalid
from customers.models import Membership, Role


class SignInRefused(Invalid):
    """The sign-in cannot be used for staff; the detail says why."""

    code = "sign_in_refused"
    title = "That sign-in cannot be used"


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
    """The staff account of that name: the existing one (its password stays) or a new one."""
    check(username=username, password=password)
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(username=username, password=password, is_staff=True)


def is_last_owner(membership: Membership) -> bool:
    """Would the merchant have no owner without this membership?"""
    owners = Membership.objects.filter(merchant_id=membership.merchant_id, role=Role.OWNER)
    return owners.filter(pk=membership.pk).exists() and not owners.exclude(pk=membership.pk).exists()
