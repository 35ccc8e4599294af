"""The year's changes: more guests, fewer, another day, cancellations, and what a second person decides.

Through the use cases that customers and staff use; each looks first at what an earlier run did. Called by demo_fates
alone.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User

from bookings import slots
from bookings.editing import Edit
from bookings.models import Booking, BookingState
from core import clock
from customers.models import Merchant
from payments import alterations, cancellation, refunds
from payments.models import Refund, RefundState

MORE, FEWER = 4, 3
MOVES_BY_DAYS = range(7, 22)
DECIDED_AFTER = timedelta(hours=20)
DECLINED_EVERY = 8


@dataclass(frozen=True)
class Changes:
    """What customers change themselves, and what the `manager` decides."""

    merchant: Merchant
    manager: User

    def more_guests(self, booking: Booking) -> None:
        self._edit(booking, Edit(adults=booking.adults + MORE))

    def fewer_guests(self, booking: Booking) -> None:
        self._edit(booking, Edit(adults=booking.adults - FEWER))

    def move(self, booking: Booking) -> None:
        """To a later day on which there is a place."""
        for days in MOVES_BY_DAYS:
            free = slots.free(merchant=self.merchant, on=booking.event_date + timedelta(days=days), limit=1)
            if free:
                self._edit(booking, Edit(slot_public_id=free[0].public_id))
                return

    def _edit(self, booking: Booking, edit: Edit) -> None:
        if _lies_ahead(booking) and not booking.edits.exists():
            alterations.edit(booking=booking, edit=edit, actor="customer")

    def cancel(self, booking: Booking, *, as_credit: bool = False) -> None:
        """As the customer's page does it, with the figures that it shows."""
        if _lies_ahead(booking):
            shown = cancellation.preview(booking, as_credit=as_credit).shown
            cancellation.cancel(booking, actor="customer", expected=shown, as_credit=as_credit)

    def decide(self) -> None:
        """Refunds that waited for a second person since yesterday: most are agreed to."""
        waiting = Refund.objects.filter(
            payment__merchant=self.merchant,
            state=RefundState.REQUESTED,
            created_at__lte=clock.now() - DECIDED_AFTER,
        )
        for refund in waiting.exclude(requested_by=self.manager).select_related("payment__merchant"):
            if refund.pk % DECLINED_EVERY == 0:
                refunds.decline(refund, by=self.manager, reason="Agreed otherwise on the phone")
            else:
                refunds.approve(refund, by=self.manager, authenticated_at=clock.now())


def _lies_ahead(booking: Booking) -> bool:
    return booking.state == BookingState.CONFIRMED and booking.starts_at > clock.now()
