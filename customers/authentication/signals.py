"""What follows from setting up and changing how somebody signs in."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib.auth.models import User
from django.dispatch import receiver
from django.http import HttpRequest

from customers.authentication import proof


@receiver(authenticator_added)
def setting_it_up_shows_it(
    sender: type[Authenticator],
    request: HttpRequest,
    user: User,
    authenticator: Authenticator,
    **kwargs: Any,
) -> None:
    """Its code, or key, was shown in this very session: the console opens without signing in again."""
    if authenticator.type in proof.SECOND_FACTORS:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
