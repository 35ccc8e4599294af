"""The words that decisions are written in: who asks, and what each of them is answered.

A decision covers one route and some of its methods. Its `answers` says, for each actor, which statuses are right; the
test asks as every actor and compares.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Statuses = frozenset[int]
OK: Statuses = frozenset({200, 201, 202, 204})
# Let in, and then told that an empty or repeated request cannot be done. Never a permission's answer.
HEARD: Statuses = OK | {302, 409, 422}
SIGN_IN: Statuses = frozenset({302})
FORBIDDEN: Statuses = frozenset({403})
MISSING: Statuses = frozenset({404})
UNKNOWN_CALLER: Statuses = frozenset({401})
UNREADABLE: Statuses = frozenset({422})  # Let in, with a body that says nothing.
NOT_ALLOWED: Statuses = frozenset({405})

LADDER = ("viewer", "clerk", "manager", "owner")
ROOT = "root"  # A `least` that no membership reaches: superusers alone.


@dataclass(frozen=True)
class Actor:
    """Who asks. `side`: nobody, customer (of the booking asked for), stranger (another customer of the same merchant),
    A (staff of the merchant whose rows are asked for), B (another merchant's staff), root (superuser of no merchant),
    idle (staff of no merchant), locked (an owner of A who has not shown the second factor that is required).
    """

    name: str
    side: str
    role: str = ""

    @property
    def is_staff(self) -> bool:
        return self.side in ("A", "B", "root", "idle")

    def has(self, least: str) -> bool:
        """Whether this member's role is `least` or more, at whichever merchant."""
        return least in LADDER and self.role in LADDER and LADDER.index(self.role) >= LADDER.index(least)


NOBODY = Actor("nobody", "nobody")
Answers = Callable[[Actor], Statuses]


@dataclass(frozen=True)
class Decision:
    """`send`: the body, from the world; `ids`: values of the address that are not the usual ones."""

    route: str
    methods: tuple[str, ...]
    answers: Answers
    send: Callable[[Any], dict[str, Any]] | None = None
    ids: dict[str, str] = field(default_factory=dict)
    query: str = ""
    is_open: bool = False


def decide(
    route: str,
    methods: str,
    answers: Answers,
    *,
    send: Callable[[Any], dict[str, Any]] | None = None,
    ids: dict[str, str] | None = None,
    query: str = "",
    is_open: bool = False,
) -> Decision:
    """One line of the table; `methods` are separated by spaces, `is_open` routes do not ask who comes."""
    return Decision(
        route, tuple(methods.split()), answers, send=send, ids=ids or {}, query=query, is_open=is_open
    )


def expected(decision: Decision, actor: Actor) -> Statuses:
    """What the decision says of this actor. Without the second factor one is nobody, and is told how to go on."""
    if actor.side != "locked" or decision.route.startswith("staff/"):
        return decision.answers(actor)
    nobody = decision.answers(NOBODY)
    if decision.route.startswith("api/v1/"):
        return nobody if decision.is_open else FORBIDDEN
    return nobody | SIGN_IN if decision.route.startswith("admin/") else nobody


# Answers ------------------------------------------------------------------------------------------------


def everyone(ok: Statuses = HEARD) -> Answers:
    """Public: the same for all."""
    return lambda actor: ok


def known(least: str = "viewer", *, ok: Statuses = OK) -> Answers:
    """A list of the API: a booking's token or a member; what is in it is scoped, and tested in the room's own tests."""

    def answers(actor: Actor) -> Statuses:
        if actor.side in ("customer", "stranger") or actor.has(least):
            return ok
        return FORBIDDEN if actor.is_staff else UNKNOWN_CALLER

    return answers


def members(least: str = "viewer", *, ok: Statuses = OK) -> Answers:
    """An API route for staff alone, about no row in particular. A booking's token signs nobody in."""

    def answers(actor: Actor) -> Statuses:
        if actor.has(least):
            return ok
        if actor.side in ("customer", "stranger"):
            return FORBIDDEN | UNKNOWN_CALLER
        return FORBIDDEN if actor.is_staff else UNKNOWN_CALLER

    return answers


def accounts() -> Answers:
    """An API route about one's own account: whoever has one, at a merchant or not."""
    return lambda actor: OK if actor.is_staff else UNKNOWN_CALLER | FORBIDDEN


def nobody_but_customers() -> Answers:
    """An API route of signed-in customers. A booking's token signs nobody in, and staff are told no."""
    return lambda actor: FORBIDDEN if actor.is_staff else UNKNOWN_CALLER | FORBIDDEN


def party(least: str = "viewer", *, ok: Statuses = HEARD, lesser: Statuses = MISSING) -> Answers:
    """A row of the API: its own customer and its merchant's staff from `least` on; for all others it does not exist."""

    def answers(actor: Actor) -> Statuses:
        if actor.side == "customer" or (actor.side == "A" and actor.has(least)):
            return ok
        return lesser if actor.side == "A" else MISSING

    return answers


def staff_of_it(least: str, *, ok: Statuses = HEARD, lesser: Statuses = FORBIDDEN) -> Answers:
    """A row of the API that only its merchant's staff may touch; its own customer is told no, others: not there."""

    def answers(actor: Actor) -> Statuses:
        if actor.side == "A":
            return ok if actor.has(least) else lesser
        return FORBIDDEN | UNKNOWN_CALLER | MISSING if actor.side == "customer" else MISSING

    return answers


def own_page(*, ok: Statuses = HEARD) -> Answers:
    """A page of a booking: whoever holds its grant; for all others, staff too, it does not exist."""
    return lambda actor: ok if actor.side == "customer" else MISSING


def console(least: str, *, ok: Statuses = OK | {302}) -> Answers:
    """A staff page about no row in particular."""

    def answers(actor: Actor) -> Statuses:
        if not actor.is_staff:
            return SIGN_IN
        return ok if actor.has(least) or (least == ROOT and actor.side == "root") else FORBIDDEN

    return answers


def console_row(least: str, *, see: str = "", ok: Statuses = OK | {302}) -> Answers:
    """A staff page about a row of merchant A. `see`: from which role on the row is seen, where that is less."""
    floor = see or least

    def answers(actor: Actor) -> Statuses:
        if not actor.is_staff:
            return SIGN_IN
        if actor.side == "root" and least == ROOT:
            return ok
        if actor.side == "A" and actor.has(least):
            return ok
        return MISSING if actor.side == "B" and actor.has(floor) else FORBIDDEN

    return answers


def history_of(answers: Answers) -> Answers:
    """A row's history: Django looks for the row first, so to who may not see it it is not there."""

    def either(actor: Actor) -> Statuses:
        right = answers(actor)
        return right | MISSING if right == FORBIDDEN else right

    return either


def console_action(least: str) -> Answers:
    """A form about a row: asked for another merchant's row it answers as for none, be that "no" or "not there"."""
    rule = console_row(least, ok=HEARD)

    def answers(actor: Actor) -> Statuses:
        right = rule(actor)
        return right if right in (SIGN_IN, HEARD) else FORBIDDEN | MISSING

    return answers


def account(*, ok: Statuses = HEARD) -> Answers:
    """A page of a signed-in customer; all others are led to the way in."""
    return lambda actor: ok if actor.side in ("customer", "stranger") else SIGN_IN


def signed_in_staff(*, ok: Statuses = OK | {302, 403, 404, 405, 429}) -> Answers:
    """A page about one's own sign-in: whoever has signed in with a password, of a merchant or not."""
    return lambda actor: ok if actor.is_staff or actor.side == "locked" else SIGN_IN


def any_staff(ok: Statuses = OK | {302}) -> Answers:
    """A console page for whoever signed in as staff, of a merchant or not."""
    return lambda actor: ok if actor.is_staff else SIGN_IN
