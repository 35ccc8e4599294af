"""Finding the one account that a name typed on a sign-in page means."""

from django.contrib.auth.models import User


def find(login: str) -> User | None:
    """The account of that user name or e-mail address, capitals ignored; the name wins, then who may sign in.

    One query and one account whatever was typed: what follows costs one hash for everybody.
    """
    typed = login.strip()
    if not typed:
        return None
    named = User.objects.filter(username__iexact=typed)
    addressed = User.objects.filter(email__iexact=typed) if "@" in typed else User.objects.none()
    found = list((named | addressed).order_by("-is_active", "pk")[:10])
    return next((user for user in found if user.username.lower() == typed.lower()), next(iter(found), None))
