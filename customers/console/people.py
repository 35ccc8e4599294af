"""Who did something, as colleagues read it: rows keep "user:7", pages show the name."""

from collections.abc import Iterable

from django.contrib.auth.models import User


def people(actors: Iterable[str]) -> dict[str, str]:
    """Each actor's name; what is no person ("customer", "stripe") stays as it is. One statement, none without staff."""
    found = set(actors)
    numbers = {actor: int(actor[5:]) for actor in found if actor.startswith("user:") and actor[5:].isdigit()}
    users = User.objects.in_bulk(numbers.values()) if numbers else {}
    names = {
        actor: users[number].get_full_name() or users[number].get_username()
        for actor, number in numbers.items()
        if number in users
    }
    return {actor: names.get(actor, actor) for actor in found}
