"""Refusals on the customers' way in, in the words of this room."""

from core.errors import Conflict


class LinkRefused(Conflict):
    """The one-time link is not good (any more); `extra["standing"]` is links.Standing: why."""

    code = "link_refused"
    title = "This link does not work any more"


class AddressTaken(Conflict):
    """Another customer of the merchant has that e-mail address; told only to who reads its mail."""

    code = "address_taken"
    title = "That e-mail address has bookings of its own"
