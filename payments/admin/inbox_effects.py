"""What confirming or recording money would do, to the cent: the use case itself is carried out, read, and rolled back.

So what a dialog shows and what its button does cannot differ but by what others do in between, which `Effect.key`
tells. Nothing of a rehearsal stays, and nobody is written to. Called by the inbox's dialogs alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from bookings.models import Booking, BookingState
from core.errors import DomainError
from core.money import format_minor
from payments.manual import Outcome, Result
from payments.models import DeskKind


@dataclass(frozen=True)
class Effect:
    """What becomes of one part of a transfer. All in minor units of `currency`."""

    code: str
    part: str
    currency: str
    placed_minor: int
    fee_minor: int
    credit_minor: int
    unallocated_minor: int
    short_minor: int
    refusal: str
    is_confirmed: bool
    forgiven_minor: int = 0

    @property
    def key(self) -> str:
        figures = (self.placed_minor, self.fee_minor, self.credit_minor, self.unallocated_minor)
        return ":".join(
            [self.code, *map(str, figures), str(self.short_minor), str(self.forgiven_minor), self.refusal]
        )

    @property
    def desk_words(self) -> str:
        """What the desk will ask, when not all of it fits."""
        return str(DeskKind(self.refusal).label) if self.refusal else ""


@dataclass(frozen=True)
class Rehearsal:
    """`refusal` in words when it cannot be done; then there are no effects."""

    effects: tuple[Effect, ...] = ()
    refusal: str = ""

    @property
    def key(self) -> str:
        return "|".join(effect.key for effect in self.effects)


def rehearse(act: Callable[[], Outcome]) -> Rehearsal:
    """Do it, look, and undo it."""
    try:
        with transaction.atomic():
            effects = of(act())
            transaction.set_rollback(True)
    except DomainError as refusal:
        return Rehearsal(refusal=refusal.for_staff)
    return Rehearsal(effects)


def of(outcome: Outcome) -> tuple[Effect, ...]:
    """What became of a transfer's parts, in the booking's present state."""
    return tuple(_effect(result) for result in outcome.results)


def _effect(result: Result) -> Effect:
    payment = result.payment
    booking = Booking.objects.only("code", "state").get(pk=payment.booking_id) if payment.booking_id else None
    return Effect(
        code=booking.code if booking else "",
        part=str(payment.get_purpose_display() or "").lower(),
        currency=payment.currency,
        placed_minor=result.placed_minor,
        fee_minor=result.fee_minor,
        credit_minor=result.credit_minor,
        unallocated_minor=result.unallocated_minor,
        short_minor=result.short_minor,
        refusal=result.refusal,
        forgiven_minor=result.forgiven_minor,
        is_confirmed=booking is not None and booking.state == BookingState.CONFIRMED,
    )


def told(outcome: Outcome) -> str:
    """For the person who did it, in a sentence or two."""
    if not outcome.is_new:
        return "This was recorded a moment ago; nothing was booked twice."
    transfer = outcome.transfer
    whole = format_minor(transfer.amount_minor, transfer.currency)
    return f"{whole} by {transfer.get_method_display()} is booked: " + "; ".join(
        _words(effect) for effect in of(outcome)
    )


def _words(effect: Effect) -> str:
    def shown(minor: int) -> str:
        return format_minor(minor, effect.currency)

    said = []
    if effect.placed_minor:
        fee = f" and {shown(effect.fee_minor)} fee" if effect.fee_minor else ""
        said.append(f"{shown(effect.placed_minor)}{fee} for {effect.code}")
    if effect.forgiven_minor:
        said.append(f"{shown(effect.forgiven_minor)} that the cash was short of is not asked for")
    if effect.short_minor:
        said.append(f"{shown(effect.short_minor)} is still open, and the customer is told")
    if effect.credit_minor:
        said.append(f"{shown(effect.credit_minor)} kept as credit, and the customer is told")
    if effect.unallocated_minor:
        said.append(f"{shown(effect.unallocated_minor)} has no place yet and is on the desk")
    return ", ".join(said) + "."
