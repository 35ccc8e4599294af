"""Named refusals that any room may raise and any door (page, API, admin, task) may show.

Each class carries a stable machine `code`, the HTTP `status` an API answers with and a `title`; an instance
adds a `detail` that is safe to show to the person who asked, and `extra` members for machines (never
secrets or stack traces). Rooms above subclass these for their own words. Bugs are not domain errors: they
crash.
"""

from typing import ClassVar


class DomainError(Exception):
    """A refusal in the product's own words. `code` given to an instance replaces the class's.

    `staff_title`, or `staff` given to an instance, says it to staff and operators where customers read something else.
    """

    code: str = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request was refused"
    staff_title: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, code: str = "", staff: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.for_staff = staff or detail or self.staff_title or self.title
        self.extra: dict[str, object] = extra
        if code:
            self.code = code


class NotFound(DomainError):
    """It does not exist, or not for this person: the two look the same from outside."""

    code = "not_found"
    status = 404
    title = "Not found"


class Invalid(DomainError):
    """What was sent can be read but not accepted."""

    code = "invalid"
    status = 422
    title = "The request is not valid"


class Conflict(DomainError):
    """It contradicts the present state: reading again and deciding anew may help."""

    code = "conflict"
    status = 409
    title = "It conflicts with the present state"


class Forbidden(DomainError):
    """Known, seen, and still not allowed."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class ImpossibleTransition(Conflict):
    """News that contradicts the table of allowed state changes: never ignored, never applied."""

    code = "impossible_transition"
    title = "The state cannot change that way"


class ConcurrentChange(Conflict):
    """The row changed between our reading and our writing; nothing was written."""

    code = "concurrent_change"
    title = "Somebody else changed it at the same time"


class Unavailable(DomainError):
    """Something we need does not answer; trying again later may help."""

    code = "unavailable"
    status = 503
    title = "Not available at the moment"
