"""The demonstration's guests whose bookings change: edited, moved, cancelled, refunded by hand, disputed.

Through the use cases that customers and staff use; each story looks first at what an earlier run did. Called by
demo_bookings alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from bookings import slots
from bookings.editing import Edit
from bookings.models import Booking, BookingState
from core import clock
from customers.models import Membership, Merchant, PaymentMethod, Role
from payments import cancellation, changes, demo_events, demo_sandbox, demo_till, demo_transfers, refunds
from payments.demo_cast import Guest, Story
from payments.models import RefundCause

MORE, FEWER = 4, 3
REFUND_FAILS_WITHIN = timedelta(seconds=30)
BACK_MINOR = 5_000


@dataclass(frozen=True)
class Changes:
    """What customers change themselves, and what `staff` send back."""

    merchant: Merchant
    sandbox: demo_sandbox.Sandbox
    events: demo_events.Events
    till: demo_till.Till
    staff: User

    def more_guests(self, booking: Booking, guest: Guest) -> None:
        self.till.pay(booking)
        self._edit(booking, Edit(adults=guest.adults + MORE))

    def fewer_guests(self, booking: Booking, guest: Guest) -> None:
        self.till.pay_all(booking)
        self._edit(booking, Edit(adults=guest.adults - FEWER))

    def moves(self, booking: Booking, guest: Guest) -> None:
        self.till.pay(booking)
        free = slots.free(merchant=self.merchant, limit=500)
        later = [time for time in free if time.starts_at > booking.starts_at + timedelta(days=7)]
        if later:
            self._edit(booking, Edit(slot_public_id=later[0].public_id))

    def _edit(self, booking: Booking, edit: Edit) -> None:
        booking.refresh_from_db()
        if booking.state == BookingState.CONFIRMED and not booking.edits.exists():
            changes.edit(booking=booking, edit=edit, actor="customer")

    def cancels(self, booking: Booking, guest: Guest) -> None:
        self.till.pay(booking)
        booking.refresh_from_db()
        if booking.state == BookingState.CONFIRMED:
            shown = cancellation.preview(booking).shown
            cancellation.cancel(booking, actor="customer", expected=shown)
        refunds.send_due()
        self.events.hear()

    def is_sent_back_by_hand(self, booking: Booking, guest: Guest) -> None:
        demo_transfers.receive(booking, method=PaymentMethod.ZELLE, staff=self.staff)
        self._refund(booking, at=clock.now())

    def refund_fails(self, booking: Booking, guest: Guest) -> None:
        self.till.pay(booking, number=demo_sandbox.REFUND_FAILS)
        self._refund(booking, at=clock.now())
        self.sandbox.put_clock_to(clock.now() + REFUND_FAILS_WITHIN)
        self.events.hear()
        self.sandbox.put_clock_to(None)

    def is_disputed(self, booking: Booking, guest: Guest) -> None:
        self.till.pay(booking, number=demo_sandbox.DISPUTED)

    def _refund(self, booking: Booking, *, at: datetime) -> None:
        for payment in self.till.paid(booking):
            if payment.refunds.exists():
                continue
            refunds.request(
                payment=payment,
                amount_minor=BACK_MINOR,
                cause=RefundCause.PRICE_REDUCTION,
                reason="The sauces were forgotten",
                requested_by=self.staff,
                actor=f"user:{self.staff.pk}",
                request_key=f"demo:{payment.public_id}",
                authenticated_at=at,
            )
        self.events.hear()


def of(
    merchant: Merchant, sandbox: demo_sandbox.Sandbox, events: demo_events.Events, till: demo_till.Till
) -> Changes | None:
    """With a manager, who has sent nothing back today: what the owner sent is so much that more of it needs a second
    person. None without one.
    """
    manager = manager_of(merchant)
    return Changes(merchant, sandbox, events, till, manager) if manager else None


def manager_of(merchant: Merchant) -> User | None:
    """The first of them."""
    managers = Membership.objects.select_related("user").filter(merchant=merchant, role=Role.MANAGER)
    found = managers.order_by("pk").first()
    return found.user if found else None


STORIES: dict[Story, Callable[[Changes, Booking, Guest], None]] = {
    Story.MORE_GUESTS: Changes.more_guests,
    Story.FEWER_GUESTS: Changes.fewer_guests,
    Story.MOVED: Changes.moves,
    Story.CANCELLED_EARLY: Changes.cancels,
    Story.CANCELLED_LATE: Changes.cancels,
    Story.BACK_BY_HAND: Changes.is_sent_back_by_hand,
    Story.REFUND_FAILED: Changes.refund_fails,
    Story.DISPUTED: Changes.is_disputed,
}
