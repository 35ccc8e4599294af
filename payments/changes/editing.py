"""A change of guests, menu, add-ons or time of a booking that may have been paid in part: one transaction.

The unpaid part is planned anew; what was paid beyond a lower price becomes credit. Payments that somebody has open
for the old amount are ended by the caller afterwards (`alterations`), for Stripe is not called in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from bookings import agreement, editing, lifecycle
from bookings.editing import Edit, Proposal
from bookings.models import Booking, BookingEdit, BookingState, Instalment
from bookings.plan import Part
from core import clock
from payments import desk, errors, notices
from payments.changes import planning
from payments.models import Refund, RefundState

CHANGEABLE = frozenset({BookingState.HELD, BookingState.CONFIRMED})


@dataclass(frozen=True)
class Changed:
    """What an edit does. Amounts in minor units; `credit_minor` is what becomes the customer's credit."""

    before_minor: int
    after_minor: int
    proposal: Proposal
    parts: tuple[Part, ...]
    credit_minor: int

    @property
    def difference_minor(self) -> int:
        return self.after_minor - self.before_minor


def preview(booking: Booking, edit: Edit) -> Changed:
    """What `edit` would do now. Raises InvalidRequest, BookingSettled. Reads only."""
    _check(booking)
    proposal = editing.propose(booking, edit)
    rows = list(booking.instalments.order_by("position"))
    paid = sum(row.paid_minor for row in rows)
    if paid > proposal.total_minor:
        _refuse_while_refunds_wait(booking)
    return Changed(
        before_minor=booking.total_minor,
        after_minor=proposal.total_minor,
        proposal=proposal,
        parts=_parts(booking, proposal, rows),
        credit_minor=max(0, paid - proposal.total_minor),
    )


def _parts(booking: Booking, proposal: Proposal, rows: Sequence[Instalment]) -> tuple[Part, ...]:
    before = booking.starts_at
    if proposal.slot is not None:
        booking.starts_at = proposal.slot.starts_at
    try:
        return planning.derived(booking, total_minor=proposal.total_minor, rows=rows)
    finally:
        booking.starts_at = before


def _check(booking: Booking) -> None:
    if booking.state not in CHANGEABLE:
        raise errors.BookingSettled(
            f"This booking is {booking.get_state_display().lower()}; it stays as it is."
        )
    if booking.starts_at <= clock.now():
        raise errors.BookingSettled(
            "The event has begun; its price changes by a price reduction or an extra now."
        )


def _refuse_while_refunds_wait(booking: Booking) -> None:
    """Money that a refund asks for must not become credit as well: somebody decides on the refund first."""
    if Refund.objects.filter(payment__booking=booking, state=RefundState.REQUESTED).exists():
        raise errors.BookingSettled("A refund of this booking waits to be decided; then its price can fall.")


@transaction.atomic
def edit(
    *,
    booking: Booking,
    edit: Edit,
    actor: str,
    reason: str = "",
    expected_total_minor: int | None = None,
    based_on: str | None = None,
) -> Changed:
    """Store the edit, plan what is unpaid anew, keep a record, tell the customer.

    `expected_total_minor` is the new price that the person saw; PriceChanged when it is another now. `based_on` is the
    mark of the booking that they saw; ChangedMeanwhile when it is another now, so that nobody's change is replaced
    unseen. Raises InvalidRequest, SlotTaken, BookingSettled; then nothing changed. The same edit again changes nothing.
    """
    booking = _locked(booking)
    changed = preview(booking, edit)
    if based_on is not None and _differs(booking, changed.proposal):
        require_unchanged(booking, based_on=based_on)
    if expected_total_minor is not None and changed.after_minor != expected_total_minor:
        raise errors.PriceChanged()
    before = editing.snapshot(booking)
    if not _differs(booking, changed.proposal):
        return changed
    if changed.proposal.slot is not None:
        by_staff = actor.startswith("user:")
        agreement.moved(booking, today=clock.today(booking.timezone), by_staff=by_staff)
    editing.store(booking, changed.proposal)
    record = BookingEdit(booking=booking, actor=actor, reason=reason[:300], before=before)
    marker = f"edit:{booking.public_id}:{booking.edits.count() + 1}"
    kept = planning.replan(booking, source_key=marker)
    assert kept == changed.credit_minor, "the plan and its preview differ"
    record.after = editing.snapshot(booking)
    record.save()
    _confirm_if_paid(booking, actor=actor)
    desk.settle_overdue(booking, actor=actor)
    notices.changed(booking, before=before, credit_minor=kept, key=marker)
    return changed


def require_unchanged(booking: Booking, *, based_on: str) -> None:
    """Raises ChangedMeanwhile when the booking is not the one of that mark any more."""
    if editing.mark(booking) != based_on:
        raise errors.ChangedMeanwhile()


def _locked(booking: Booking) -> Booking:
    """Locked first, then read with its menu and slot: a statement that waits for an edit to end joins those that were,
    and finds no such booking.
    """
    Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
    return Booking.objects.select_related("merchant", "customer__merchant", "menu", "slot").get(pk=booking.pk)


def _differs(booking: Booking, proposal: Proposal) -> bool:
    had = {row.add_on_id: row.quantity for row in booking.add_ons.all()}
    now = (booking.adults, booking.children, booking.menu_id, booking.total_minor, had)
    new = (proposal.adults, proposal.children, proposal.menu_id, proposal.total_minor, proposal.add_ons)
    return proposal.slot is not None or now != new


def _confirm_if_paid(booking: Booking, *, actor: str) -> None:
    """A held booking of which nothing is left to pay is one."""
    first = booking.instalments.order_by("position").first()
    if booking.state == BookingState.HELD and (first is None or not first.open_minor):
        lifecycle.confirm(booking, actor=actor, reason="Nothing is left to pay now")
