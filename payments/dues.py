"""What a booking asks for next: its first open instalment, or all that is open when the payer chooses to pay in full.

A payment of purpose `full` covers every open instalment; when it settles, `absorb` draws them into the one it was
started for, so that one payment always lies on one instalment. Reads and writes instalments under the Booking's lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bookings.models import Booking, Instalment, Purpose
from payments import errors
from payments.models import Payment


@dataclass(frozen=True)
class Ask:
    """`amount_minor` of principal, for the first open instalment or for all that are open (purpose `full`)."""

    instalment: Instalment
    purpose: str
    amount_minor: int


def shown(booking: Booking) -> list[Instalment]:
    """The plan as people see it: a row that was planned away, with nothing on it, is not part of it."""
    rows = sorted(booking.instalments.all(), key=lambda part: part.position)
    return [part for part in rows if part.amount_minor or part.paid_minor]


def next_due(booking: Booking, *, purpose: str = "") -> Ask:
    """What is asked for next; `full` asks for all that is open, another purpose must be the next one's.

    Raises AlreadyPaid, and NothingToPay in words.
    """
    return _ask(
        [part for part in booking.instalments.order_by("position") if part.open_minor], purpose=purpose
    )


def _ask(parts: Sequence[Instalment], *, purpose: str = "") -> Ask:
    if not parts:
        raise errors.AlreadyPaid()
    first = parts[0]
    if purpose == Purpose.FULL or first.purpose == Purpose.FULL:
        if purpose in ("", Purpose.FULL):
            return Ask(first, Purpose.FULL, sum(part.open_minor for part in parts))
    elif purpose in ("", first.purpose):
        return Ask(first, first.purpose, first.open_minor)
    raise errors.NothingToPay(f"The {first.get_purpose_display().lower()} is due first; pay that one.")


def choices(booking: Booking) -> tuple[Ask, ...]:
    """What the payer may pick from: what is due next, and everything at once where that is more."""
    parts = [part for part in booking.instalments.order_by("position") if part.open_minor]
    if not parts:
        return ()
    first, everything = _ask(parts), _ask(parts, purpose=Purpose.FULL)
    return (first, everything) if everything.amount_minor != first.amount_minor else (first,)


def asked_now(payment: Payment) -> int:
    """The principal that a new payment of this one's kind would ask for, in minor units: another one is stale."""
    if payment.instalment is None or payment.booking is None:
        return 0
    if payment.purpose != Purpose.FULL:
        return payment.instalment.open_minor
    return sum(part.open_minor for part in payment.booking.instalments.all())


def aim(payment: Payment) -> Instalment | None:
    """The instalment that the payment's money is for, read under the Booking's lock, which guards its instalments.

    One that was planned away since, with nothing on it, gives way to what is asked for next: money that was sent
    before the day or the guests changed pays the booking as it is now.
    """
    if not payment.instalment_id:
        return None
    part = Instalment.objects.get(pk=payment.instalment_id)
    if not part.amount_minor and not part.covered_minor:
        rows = Instalment.objects.filter(booking_id=part.booking_id).order_by("position")
        part = next((row for row in rows if row.open_minor), part)
    payment.instalment = part
    return part


def absorb(payment: Payment, instalment: Instalment, *, principal_minor: int) -> list[Instalment]:
    """Let the instalment take in what later ones ask for, as far as this principal reaches: the plan's sum stays.

    The rows that changed, for the caller to save once the money is placed.
    """
    wanted = principal_minor - instalment.open_minor
    if payment.purpose != Purpose.FULL or wanted <= 0:
        return []
    others = list(instalment.booking.instalments.exclude(pk=instalment.pk).order_by("position"))
    for other in others:
        part = min(wanted, other.open_minor)
        other.amount_minor -= part
        instalment.amount_minor += part
        wanted -= part
    if not any(other.amount_minor for other in others):
        instalment.purpose = Purpose.FULL
    return [*others, instalment]
