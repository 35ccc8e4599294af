"""The booking's page: what is open of it. Remind, give more time, write the rest off, ask for it again."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from bookings.models import Booking
from core import clock
from customers.authentication import recent
from payments import deferrals, dues, errors, reminders, writeoffs
from payments.admin import dialogs
from payments.admin.booking_cancel import intro, money, url_of
from payments.admin.dialogs import Dialog, DialogForm, Effect, ReasonForm


class MoreTimeForm(ReasonForm):
    live = ("until",)
    until = forms.DateField(label="Due on", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    field_order = ("until", "reason")

    def __init__(self, *args: Any, booking: Booking, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tomorrow = clock.today(booking.timezone) + timedelta(days=1)
        attrs = self.fields["until"].widget.attrs
        attrs["min"], attrs["max"] = tomorrow.isoformat(), deferrals.latest(booking).isoformat()


def _parts(booking: Booking) -> tuple[tuple[str, str], ...]:
    """What is open, part by part, and since when it is due."""
    found = [part for part in dues.shown(booking) if part.open_minor]
    return tuple(
        (
            f"{part.get_purpose_display()}, due {_day(part.due_on) if part.due_on else 'now'}",
            money(booking, part.open_minor),
        )
        for part in found
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _due_day(day: date) -> str:
    return f"{day:%a} {_day(day)}"


# Remind -----------------------------------------------------------------------------------------------


def remind(request: HttpRequest, booking: Booking) -> Dialog:
    def look(entries: Mapping[str, Any]) -> Effect:
        ask = dues.next_due(booking).instalment
        return Effect(
            lines=_parts(booking),
            notes=(
                f"An e-mail about the {ask.get_purpose_display().lower()} goes to {booking.contact_email}, with a "
                "button to pay. At most one a day, and none while a payment is on its way.",
            ),
            button="Send it",
            shown=f"{ask.pk}|{ask.open_minor}",
        )

    def act(entries: Mapping[str, Any]) -> str:
        part = reminders.remind_now(booking, by=dialogs.person(request))
        messages.success(
            request, f"{booking.contact_name} is reminded of the {part.get_purpose_display().lower()}."
        )
        return url_of(booking)

    return Dialog(
        title="Remind them now",
        intro=intro(booking),
        form=DialogForm,
        look=look,
        act=act,
        back=url_of(booking),
    )


# More time --------------------------------------------------------------------------------------------


def more_time(request: HttpRequest, booking: Booking) -> Dialog:
    def look(entries: Mapping[str, Any]) -> Effect | None:
        until = entries.get("until")
        if not isinstance(until, date):
            return None
        deferrals.check_day(booking, until)
        parts = deferrals.moved(booking, until=until)
        if not parts:
            raise errors.NotPossible("What is open is due then, or later, already.")
        total = sum(part.open_minor for part in parts)
        return Effect(
            lines=_parts(booking),
            total=(f"Due on {_due_day(until)}", money(booking, total)),
            notes=("The customer is told the new day, and reminded of it anew. The day before is kept.",),
            button=f"Give time until {_day(until)}",
            shown=f"{until}|{total}",
        )

    def act(entries: Mapping[str, Any]) -> str:
        until = entries["until"]
        deferrals.defer(booking, until=until, by=dialogs.person(request), reason=entries["reason"])
        messages.success(request, f"What is open of {booking.code} is due on {_due_day(until)}.")
        return url_of(booking)

    return Dialog(
        title="Give more time",
        intro=intro(booking),
        form=lambda *args, **more: MoreTimeForm(*args, booking=booking, **more),
        look=look,
        act=act,
        back=url_of(booking),
    )


# Write off --------------------------------------------------------------------------------------------


def write_off(request: HttpRequest, booking: Booking) -> Dialog:
    def look(entries: Mapping[str, Any]) -> Effect:
        minor = writeoffs.open_minor(booking)
        if not minor:
            raise errors.NothingToPay("Nothing is open any more.")
        if why := writeoffs.refusal(booking, minor=minor, by=dialogs.person(request)):
            raise errors.LimitExceeded(why)
        return Effect(
            lines=_parts(booking),
            total=("Written off", money(booking, minor)),
            notes=(
                "It is not asked for any more and booked as an adjustment, at your business's expense. The price stays "
                "as it is; the customer is not told.",
                "Taken back by “Ask for it again”. When the price falls later, it is taken back first.",
            ),
            button=f"Write off {money(booking, minor)}",
            shown=str(minor),
        )

    def act(entries: Mapping[str, Any]) -> str:
        minor = writeoffs.write_off(
            booking,
            by=dialogs.person(request),
            reason=entries["reason"],
            expected_minor=int(entries["shown"]),
            request_key=entries["request_key"],
            authenticated_at=recent.proof_of(request).at,
        )
        messages.success(request, f"{money(booking, minor)} of {booking.code} is written off.")
        return url_of(booking)

    return Dialog(
        title="Write off the rest",
        intro=intro(booking),
        form=ReasonForm,
        look=look,
        act=act,
        back=url_of(booking),
        earlier=lambda key: url_of(booking) if booking.write_offs.filter(request_key=key).exists() else None,
        is_grave=True,
    )


def ask_again(request: HttpRequest, booking: Booking) -> Dialog:
    forgiven = sum(part.forgiven_minor for part in booking.instalments.all())
    effect = Effect(
        total=("Open again", money(booking, forgiven)),
        notes=("What was written off, cents of cash too, is due again; the adjustment is taken back.",),
        button=f"Ask for {money(booking, forgiven)} again",
        shown=str(forgiven),
    )

    def act(entries: Mapping[str, Any]) -> str:
        minor = writeoffs.ask_again(booking, by=dialogs.person(request), reason=entries["reason"])
        messages.success(request, f"{money(booking, minor)} of {booking.code} is open again.")
        return url_of(booking)

    return Dialog(
        title="Ask for it again",
        intro=intro(booking),
        form=ReasonForm,
        look=lambda entries: effect,
        act=act,
        back=url_of(booking),
    )
