"""The booking's page: cancel it, with everything that follows shown first; reinstate it; refund it as a whole."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget

from bookings import agreement
from bookings.models import Booking
from core.errors import Invalid
from core.money import format_minor
from customers.authentication import recent
from payments import cancellation, loyalty, refunds
from payments.admin import dialogs, refund_words
from payments.admin.dialogs import Dialog, Effect, ReasonForm
from payments.admin.refund_dialog import (
    BACK,
    CREDIT,
    WORDS,
    RefundForm,
    check_way,
    likely_cause,
    to_words,
    who_must_agree,
)
from payments.models import Refund, RefundState
from payments.models.refund import NO_MONEY_MOVES


class CancelForm(ReasonForm):
    live = ("percent", "way")
    percent = forms.IntegerField(
        label="Give back another share",
        required=False,
        min_value=0,
        max_value=100,
        help_text="In percent of what was paid. Empty: as the policy says.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    way = forms.ChoiceField(
        label="Goes back",
        required=False,
        choices=[(BACK, "The way it came"), (CREDIT, "Kept as the customer's credit")],
        widget=UnfoldAdminRadioSelectWidget,
    )
    field_order = ("percent", "way", "reason")


def intro(booking: Booking) -> object:
    """Which booking this is about."""
    return format_html('Booking <span class="ts-code">{}</span>, {}', booking.code, booking.contact_name)


def url_of(booking: Booking) -> str:
    return reverse("admin:bookings_booking_change", args=[booking.pk])


# Cancel -----------------------------------------------------------------------------------------------


def cancel(request: HttpRequest, booking: Booking) -> Dialog:
    return Dialog(
        title="Cancel the booking",
        intro=intro(booking),
        form=CancelForm,
        initial={"way": BACK, "percent": None},
        look=lambda entries: _look(request, booking, entries),
        act=lambda entries: _cancel(request, booking, entries),
        back=url_of(booking),
        quiet="Keep it",
    )


def _plan(booking: Booking, entries: Mapping[str, Any]) -> cancellation.Preview:
    return cancellation.preview(
        booking, percent=entries.get("percent"), as_credit=entries.get("way") == CREDIT
    )


def _look(request: HttpRequest, booking: Booking, entries: Mapping[str, Any]) -> Effect:
    plan = _plan(booking, entries)
    warning, notes = "", [_stripe_words(plan), _loyalty_words(plan)]
    granted = min(plan.policy_percent, agreement.before_moves(booking))
    if plan.percent > granted and plan.returned:
        warning, more, _ = who_must_agree(
            plan.returned[0].payment, total_minor=plan.total_minor, request=request
        )
        notes += more
    notes.append("Its time is free at once, and the customer is told.")
    return Effect(
        lines=(
            ("The policy", _bracket(plan)),
            *([("You give back", f"{plan.percent} %")] if plan.is_overruled else []),
            ("Paid so far", money(booking, plan.paid_minor)),
            ("Kept", money(booking, plan.kept_minor)),
            *([("Tax within it", money(booking, plan.kept_tax_minor))] if plan.kept_tax_minor else []),
            *((to_words(one.payment, one.route), money(booking, one.total_minor)) for one in plan.returned),
        ),
        total=("Goes back, with method fees", money(booking, plan.total_minor)),
        notes=tuple(note for note in notes if note),
        warning=warning,
        button=f"Cancel, {money(booking, plan.total_minor)} back"
        if plan.total_minor
        else "Cancel the booking",
        shown=plan.shown,
    )


def _bracket(plan: cancellation.Preview) -> str:
    days = plan.notice_days
    when = f"{days} day{'' if days == 1 else 's'} before" if days >= 0 else "after the event"
    return f"{when}: {plan.policy_percent} % back"


def _stripe_words(plan: cancellation.Preview) -> str:
    if not plan.unrecoverable_minor:
        return ""
    return f"Stripe keeps {money(plan.booking, plan.unrecoverable_minor)} of its own fees, at your expense."


def _loyalty_words(plan: cancellation.Preview) -> str:
    change = loyalty.effect(plan.booking.customer, back_minor=plan.refund_minor)
    return f"Loyalty: {change}." if change else ""


def money(booking: Booking, minor: int) -> str:
    return format_minor(minor, booking.currency)


def _cancel(request: HttpRequest, booking: Booking, entries: Mapping[str, Any]) -> str:
    done = cancellation.cancel(
        booking,
        actor=dialogs.actor(request),
        by=dialogs.person(request),
        reason=entries["reason"],
        percent=entries["percent"],
        as_credit=entries["way"] == CREDIT,
        expected=entries["shown"],
        authenticated_at=recent.proof_of(request).at,
    )
    messages.success(request, f"{booking.code} is cancelled; its time is free.")
    rows = [refunds.send(row) for row in done.refunds.select_related("payment__merchant").order_by("pk")]
    refund_words.tell(request, rows)
    return url_of(booking)


# Reinstate --------------------------------------------------------------------------------------------


def reinstate(request: HttpRequest, booking: Booking) -> Dialog:
    def look(entries: Mapping[str, Any]) -> Effect:
        done = booking.cancellations.filter(reinstated_at__isnull=True).first()
        rows = list(done.refunds.all()) if done else []
        waiting = [row for row in rows if row.state in (RefundState.REQUESTED, RefundState.APPROVED)]
        gone = [row for row in rows if row not in waiting and row.state not in NO_MONEY_MOVES]
        lines = [("Kept, counts as paid again", money(booking, done.kept_minor))] if done else []
        return Effect(
            lines=(
                *lines,
                ("Refunds not sent yet, withdrawn", money(booking, sum(row.amount_minor for row in waiting))),
                ("Refunded or on its way, due again", money(booking, sum(row.amount_minor for row in gone))),
            ),
            notes=(
                "Its time must be free still. Refunds on their way go on, and what they took is due again.",
            ),
            button="Reinstate",
            shown=",".join(f"{row.pk}:{row.state}" for row in rows) or "none",
        )

    def act(entries: Mapping[str, Any]) -> str:
        cancellation.reinstate(booking, actor=dialogs.actor(request), reason=entries["reason"])
        messages.success(request, f"{booking.code} is confirmed again.")
        return url_of(booking)

    return Dialog(
        title="Reinstate the booking",
        intro=intro(booking),
        form=ReasonForm,
        look=look,
        act=act,
        back=url_of(booking),
    )


# Refund -----------------------------------------------------------------------------------------------


def left_of(booking: Booking) -> dict[str, int]:
    """What may go back of the booking's payments, for each cause, in minor units."""
    return {str(cause): sum(net for _, net in refunds.with_money(booking, cause=cause)) for cause in WORDS}


def refund(request: HttpRequest, booking: Booking) -> Dialog:
    left = left_of(booking)
    cause = likely_cause(left)
    return Dialog(
        title="Refund the booking",
        intro=intro(booking),
        form=lambda *args, **more: RefundForm(
            *args, currency=booking.currency, left=left, back="The way it came", **more
        ),
        initial={"amount": left[cause], "cause": cause, "way": BACK},
        look=lambda entries: _look_at_refund(request, booking, entries),
        act=lambda entries: _refund(request, booking, entries),
        earlier=lambda key: _earlier(request, booking, key=key),
        back=url_of(booking),
    )


def _look_at_refund(request: HttpRequest, booking: Booking, entries: Mapping[str, Any]) -> Effect:
    if not entries["amount"]:
        raise Invalid("Nothing that was paid for this booking is left to send back.")
    plan = refunds.preview_of_booking(
        booking, amount_minor=entries["amount"], cause=entries["cause"], as_credit=check_way(entries)
    )
    warning, notes, verb = who_must_agree(
        plan.parts[0].payment, total_minor=plan.total_minor, request=request
    )
    total = money(booking, plan.total_minor)
    return Effect(
        lines=(
            *(
                (to_words(one.payment, one.route), money(booking, one.split.total_minor))
                for one in plan.parts
            ),
            ("Of it principal", money(booking, plan.amount_minor)),
            ("Of it shares of method fees", money(booking, plan.fee_minor)),
        ),
        total=("Goes back", total),
        notes=("Cards go first, the newest first, then what came by hand.", *notes),
        warning=warning,
        button=f"{verb} {total}",
        shown=f"{entries['cause']}|{plan.shown}",
    )


def _refund(request: HttpRequest, booking: Booking, entries: Mapping[str, Any]) -> str:
    rows = refunds.of_booking(
        booking,
        amount_minor=entries["amount"],
        cause=entries["cause"],
        reason=entries["reason"],
        requested_by=dialogs.person(request),
        actor=dialogs.actor(request),
        request_key=entries["request_key"],
        as_credit=entries["way"] == CREDIT,
        expected=entries["shown"].partition("|")[2],
        authenticated_at=recent.proof_of(request).at,
    )
    refund_words.tell(request, rows)
    return url_of(booking)


def _earlier(request: HttpRequest, booking: Booking, *, key: str) -> str | None:
    rows = list(Refund.objects.filter(payment__booking=booking, request_key=key).order_by("pk"))
    if not rows:
        return None
    refund_words.tell(request, rows)
    return url_of(booking)
