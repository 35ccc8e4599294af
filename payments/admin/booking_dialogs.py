"""The buttons on a booking's page that move money or time: each a dialog by POST, offered where it makes sense."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from bookings.models import Booking, BookingState
from core import clock
from customers import access
from payments import cancellation, completion, writeoffs
from payments.admin import booking_cancel, booking_changes, booking_owed, dialogs
from payments.admin.dialogs import Dialog, Effect, ReasonForm
from payments.changes.editing import CHANGEABLE
from payments.errors import BookingSettled, NotPossible

EDIT = "bookings.change_booking"
NAMES = (
    "edit_booking",
    "move_booking",
    "refund_booking",
    "cancel_booking",
    "reinstate",
    "complete",
    "undo_completion",
    "remind_now",
    "more_time",
    "write_off",
    "ask_again",
)


class BookingDialogs:
    """Beside a ScopedAdmin of Booking."""

    def has_cancel_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.CANCEL)

    def has_refund_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.REFUND)

    def has_complete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.COMPLETE)

    def has_edit_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=EDIT)

    def has_verify_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.VERIFY)

    def has_resolve_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.RESOLVE)

    def has_write_off_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.WRITE_OFF)

    @action(description="Change", icon="edit", permissions=["edit"])
    def edit_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, "edit_booking", booking_changes.edit, permission=EDIT)

    @action(description="Move the date", icon="event_repeat", permissions=["edit"])
    def move_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, "move_booking", booking_changes.move, permission=EDIT)

    @action(description="Refund", icon="undo", permissions=["refund"])
    def refund_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "refund_booking", booking_cancel.refund, permission=access.REFUND
        )

    @action(description="Cancel", icon="event_busy", permissions=["cancel"])
    def cancel_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "cancel_booking", booking_cancel.cancel, permission=access.CANCEL
        )

    @action(description="Reinstate", icon="restart_alt", permissions=["cancel"])
    def reinstate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "reinstate", booking_cancel.reinstate, permission=access.CANCEL
        )

    @action(description="Event is done", icon="done_all", permissions=["complete"])
    def complete(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, "complete", _complete, permission=access.COMPLETE)

    @action(description="Not done after all", icon="remove_done", permissions=["complete"])
    def undo_completion(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, "undo_completion", _undo, permission=access.COMPLETE)

    @action(description="Remind them now", icon="notifications", permissions=["verify"])
    def remind_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, "remind_now", booking_owed.remind, permission=access.VERIFY)

    @action(description="Give more time", icon="more_time", permissions=["resolve"])
    def more_time(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "more_time", booking_owed.more_time, permission=access.RESOLVE
        )

    @action(description="Write off the rest", icon="money_off", permissions=["write_off"])
    def write_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "write_off", booking_owed.write_off, permission=access.WRITE_OFF
        )

    @action(description="Ask for it again", icon="attach_money", permissions=["write_off"])
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(
            request, object_id, "ask_again", booking_owed.ask_again, permission=access.WRITE_OFF
        )

    # unfold's links open what these addresses answer as dialogs; without scripts they are pages.
    edit_booking.dialog = {"title": "Change", "description": ""}
    move_booking.dialog = {"title": "Move the date", "description": ""}
    refund_booking.dialog = {"title": "Refund", "description": ""}
    cancel_booking.dialog = {"title": "Cancel", "description": ""}
    reinstate.dialog = {"title": "Reinstate", "description": ""}
    complete.dialog = {"title": "Event is done", "description": ""}
    undo_completion.dialog = {"title": "Not done after all", "description": ""}
    remind_now.dialog = {"title": "Remind them now", "description": ""}
    more_time.dialog = {"title": "Give more time", "description": ""}
    write_off.dialog = {"title": "Write off the rest", "description": ""}
    ask_again.dialog = {"title": "Ask for it again", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button where it makes no sense."""
        above: Any = super()
        found: list[Any] = above.get_actions_detail(request, object_id)
        row = self._found(request, str(object_id))
        sensible = offered(row) if row else set()
        if row and not_alone(request, row):
            sensible.discard("write_off")
        senseless = set(NAMES) - sensible
        return [
            one
            for one in found
            if not any(one.action_name == f"bookings_booking_{name}" for name in senseless)
        ]

    def _answer(
        self,
        request: HttpRequest,
        object_id: str,
        name: str,
        dialog: Callable[[HttpRequest, Booking], Dialog],
        *,
        permission: str,
    ) -> HttpResponse:
        row = self._found(request, object_id)
        if row is None or not self._may(request, row, permission=permission):
            raise Http404
        refusal = NotPossible(
            f"This booking is {row.get_state_display().lower()}: this cannot be done with it now."
        )
        shown = dialogs.only_if(name in offered(row), dialog(request, row), refusal=refusal)
        return dialogs.answer(request, shown, console=self)

    def _may(self, request: HttpRequest, obj: object, *, permission: str) -> bool:
        """Of the booking's own merchant. unfold hands over an id, so the row is looked up."""
        if obj is None:
            return access.may(request.user, permission=permission)
        row = obj if isinstance(obj, Booking) else self._found(request, str(obj))
        return row is not None and access.may(
            request.user, permission=permission, merchant_id=row.merchant_id
        )

    def _found(self, request: HttpRequest, object_id: str) -> Booking | None:
        console: Any = self
        row: Booking | None = console.get_object(request, object_id)
        return row


def not_alone(request: HttpRequest, row: Booking) -> str:
    """Why this person may not write the rest off, being too much for one; "" without a rest, or without the right."""
    minor = writeoffs.open_minor(row)
    if not minor or not access.may(request.user, permission=access.WRITE_OFF, merchant_id=row.merchant_id):
        return ""
    return writeoffs.refusal(row, minor=minor, by=dialogs.person(request))


def offered(row: Booking) -> set[str]:
    """Which of the dialogs make sense for this booking now."""
    now = clock.now()
    found = set()
    if row.state in CHANGEABLE and row.starts_at > now:
        found |= {"edit_booking", "move_booking"}
    if row.state in cancellation.CANCELLABLE:
        found.add("cancel_booking")
    if row.state == BookingState.CANCELLED:
        found.add("reinstate")
    if row.state == BookingState.CONFIRMED and row.ends_at <= now:
        found.add("complete")
    if row.state == BookingState.COMPLETED:
        found.add("undo_completion")
    if any(booking_cancel.left_of(row).values()):
        found.add("refund_booking")
    if writeoffs.open_minor(row):
        found |= {"remind_now", "more_time", "write_off"}
    if row.state in writeoffs.POSSIBLE and any(part.forgiven_minor for part in row.instalments.all()):
        found.add("ask_again")
    return found


def _complete(request: HttpRequest, booking: Booking) -> Dialog:
    return _turn(
        request,
        booking,
        title="The event is done",
        note="What was paid is earned now, with its tax; what was not is owed.",
        button="It is done",
        act=completion.complete,
    )


def _undo(request: HttpRequest, booking: Booking) -> Dialog:
    return _turn(
        request,
        booking,
        title="The event is not done after all",
        note="What was earned becomes a deposit again, by a reversal; nothing that was posted is changed.",
        button="It is not done",
        act=completion.undo,
    )


def _turn(request: HttpRequest, booking: Booking, *, title: str, note: str, button: str, act: Any) -> Dialog:
    def do(entries: Mapping[str, Any]) -> str:
        if not act(booking, actor=dialogs.actor(request), reason=entries["reason"]):
            booking.refresh_from_db()
            raise BookingSettled(f"This booking is {booking.get_state_display().lower()} now.")
        booking.refresh_from_db()
        messages.success(request, f"{booking.code} is {booking.get_state_display().lower()}.")
        return booking_cancel.url_of(booking)

    paid = sum(part.paid_minor for part in booking.instalments.all())
    money = booking_cancel.money
    effect = Effect(
        lines=(("Price", money(booking, booking.total_minor)), ("Paid", money(booking, paid))),
        total=("Owed", money(booking, max(0, booking.total_minor - paid))),
        notes=(note,),
        button=button,
        shown=f"{booking.total_minor}|{paid}",
    )
    return Dialog(
        title=title,
        intro=booking_cancel.intro(booking),
        form=ReasonForm,
        look=lambda entries: effect,
        act=do,
        back=booking_cancel.url_of(booking),
    )
