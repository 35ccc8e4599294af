"""The pages that Django's admin gives every model, spelled out as decisions from the table's MODELS."""

from collections.abc import Iterator

from django.contrib import admin

from tests.permissions.decisions import MODELS, Model
from tests.permissions.policy import (
    FORBIDDEN,
    MISSING,
    OK,
    SIGN_IN,
    Actor,
    Answers,
    Decision,
    Statuses,
    any_staff,
    decide,
    history_of,
)
from tests.permissions.policy import console as page
from tests.permissions.policy import console_row as row_page

ROW = "<path:object_id>/"
MIRROR = "djstripe/"


def registered() -> list[str]:
    """The console's models as "app/model"."""
    return sorted(f"{one._meta.app_label}/{one._meta.model_name}" for one in admin.site._registry)


def rule(model: str) -> Model | None:
    return MODELS.get(model) or MODELS.get(f"{model.split('/')[0]}/*")


def decisions() -> Iterator[Decision]:
    for model in registered():
        if model.startswith(MIRROR):
            yield from _mirror_pages(f"admin/{model}/")
        elif found := rule(model):
            yield from _pages(f"admin/{model}/", found)


def _pages(prefix: str, model: Model) -> Iterator[Decision]:
    yield decide(prefix, "GET POST", page(model.view))
    yield decide(f"{prefix}add/", "GET POST", page(model.add))
    yield from _row_redirect(prefix)
    yield decide(f"{prefix}{ROW}change/", "GET", row_page(model.view))
    yield decide(f"{prefix}{ROW}change/", "POST", _hidden(row_page(model.change, see=model.view)))
    yield decide(f"{prefix}{ROW}history/", "GET POST", history_of(row_page(model.view)))
    yield decide(f"{prefix}{ROW}delete/", "GET POST", _hidden(row_page(model.delete, see=model.view)))


def _mirror_pages(prefix: str) -> Iterator[Decision]:
    """Stripe's objects: looked at, with neither a form nor a history."""
    yield decide(prefix, "GET POST", page("viewer"))
    yield decide(f"{prefix}add/", "GET POST", any_staff(MISSING))
    yield from _row_redirect(prefix)
    yield decide(f"{prefix}{ROW}change/", "GET POST", _mirrored)
    yield decide(f"{prefix}{ROW}history/", "GET POST", any_staff(MISSING))
    yield decide(f"{prefix}{ROW}delete/", "GET POST", any_staff(FORBIDDEN))


def _mirrored(actor: Actor) -> Statuses:
    if not actor.is_staff:
        return SIGN_IN
    return OK if actor.side == "A" else MISSING


def _row_redirect(prefix: str) -> Iterator[Decision]:
    """Django's short address of a row: it leads on to the page, where it is asked who comes."""
    yield decide(f"{prefix}{ROW}", "GET POST PUT PATCH DELETE", any_staff(frozenset({302, 403})))


def _hidden(answers: Answers) -> Answers:
    """Writing another merchant's row: whether "no" or "not there" comes first tells nothing of the row."""

    def either(actor: Actor) -> Statuses:
        right = answers(actor)
        return right | FORBIDDEN if actor.side == "B" and right != SIGN_IN else right

    return either
