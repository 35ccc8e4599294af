"""The booking's page: move it to another time; change guests, menu and add-ons. The new price is shown first."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from bookings import agreement, catalogue, slots
from bookings.editing import Edit
from bookings.models import AddOn, Booking, Menu, Per
from core.money import format_minor
from payments import alterations, changes
from payments.admin import dialogs
from payments.admin.booking_cancel import intro, url_of
from payments.admin.dialogs import Dialog, Effect, ReasonForm
from payments.changes import Changed

SHOWN_SLOTS = 100


class MoveForm(ReasonForm):
    live = ("slot", "waive")
    slot = forms.ChoiceField(label="New time", widget=UnfoldAdminSelectWidget)
    waive = forms.BooleanField(label="Waive the fee", required=False, widget=UnfoldBooleanSwitchWidget)
    field_order = ("slot", "waive", "reason")

    def __init__(self, *args: Any, booking: Booking, fee_minor: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["slot"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", "Choose a free time"), *_times(booking)]
        if not fee_minor:
            del self.fields["waive"]
        else:
            self.fields[
                "waive"
            ].help_text = f"{format_minor(fee_minor, booking.currency)} as agreed to at booking."


class EditForm(ReasonForm):
    adults = forms.IntegerField(label="Adults", min_value=0, widget=UnfoldAdminIntegerFieldWidget)
    children = forms.IntegerField(label="Children", min_value=0, widget=UnfoldAdminIntegerFieldWidget)
    menu = forms.ChoiceField(label="Menu", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, menus: list[Menu], add_ons: list[AddOn], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["menu"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(str(menu.pk), menu.name) for menu in menus]
        names = []
        for add_on in add_ons:
            names.append(_name(add_on))
            self.fields[_name(add_on)] = _add_on_field(add_on)
        self.live = ("adults", "children", "menu", *names)
        self.order_fields([*self.live, "reason"])


def _times(booking: Booking) -> list[tuple[str, str]]:
    found = slots.free(merchant=booking.merchant, limit=SHOWN_SLOTS)
    return [
        (str(slot.public_id), f"{slot.starts_at:%a} {slot.starts_at.day} {slot.starts_at:%b %Y, %H:%M}")
        for slot in found
        if slot.public_id != booking.slot.public_id
    ]


def _name(add_on: AddOn) -> str:
    return f"add_on_{add_on.pk}"


def _add_on_field(add_on: AddOn) -> forms.Field:
    if add_on.per == Per.UNIT:
        return forms.IntegerField(
            label=add_on.name,
            required=False,
            min_value=0,
            max_value=add_on.max_quantity,
            widget=UnfoldAdminIntegerFieldWidget,
        )
    return forms.BooleanField(label=add_on.name, required=False, widget=UnfoldBooleanSwitchWidget)


def move(request: HttpRequest, booking: Booking) -> Dialog:
    fee = agreement.move_rule(booking).fee_minor
    return Dialog(
        title="Move to another time",
        intro=intro(booking),
        form=lambda *args, **more: MoveForm(*args, booking=booking, fee_minor=fee, **more),
        look=lambda entries: _look(booking, _move_edit(entries, fee_minor=fee), button="Move"),
        act=lambda entries: _act(request, booking, _move_edit(entries, fee_minor=fee), entries),
        back=url_of(booking),
    )


def _move_edit(entries: Mapping[str, Any], *, fee_minor: int) -> Edit | None:
    if not entries.get("slot"):
        return None
    fee = 0 if entries.get("waive") else fee_minor
    return Edit(slot_public_id=uuid.UUID(entries["slot"]), fee_minor=fee)


def edit(request: HttpRequest, booking: Booking) -> Dialog:
    had = {row.add_on: row.quantity for row in booking.add_ons.select_related("add_on")}
    offered = list(catalogue.add_ons(booking.merchant))
    add_ons = [*offered, *(add_on for add_on in had if add_on not in offered)]
    menus = list(catalogue.menus(booking.merchant))
    if booking.menu not in menus:
        menus.insert(0, booking.menu)
    return Dialog(
        title="Change guests, menu, add-ons",
        intro=intro(booking),
        form=lambda *args, **more: EditForm(*args, menus=menus, add_ons=add_ons, **more),
        initial={
            "adults": booking.adults,
            "children": booking.children,
            "menu": str(booking.menu_id),
            **{_name(add_on): quantity for add_on, quantity in had.items()},
        },
        look=lambda entries: _look(booking, _edit(entries, add_ons), button="Change"),
        act=lambda entries: _act(request, booking, _edit(entries, add_ons), entries),
        back=url_of(booking),
    )


def _edit(entries: Mapping[str, Any], add_ons: list[AddOn]) -> Edit:
    wanted = {add_on.pk: int(entries.get(_name(add_on)) or 0) for add_on in add_ons}
    return Edit(
        adults=entries["adults"],
        children=entries["children"],
        menu_id=int(entries["menu"]),
        add_ons={pk: quantity for pk, quantity in wanted.items() if quantity},
    )


def _look(booking: Booking, wanted: Edit | None, *, button: str) -> Effect | None:
    if wanted is None:
        return None
    changed = changes.preview(booking, wanted)
    return Effect(
        lines=(
            *_fee_lines(booking, changed),
            ("Price now", _money(booking, changed.before_minor)),
            ("Tax within the new price", _money(booking, changed.proposal.tax_minor)),
        ),
        total=("New price", _money(booking, changed.after_minor)),
        notes=(_difference(booking, changed), "What was paid stays paid. The customer is told."),
        button=_button(booking, changed, verb=button),
        shown=f"{wanted.slot_public_id or ''}|{changed.before_minor}|{changed.after_minor}|{changed.credit_minor}",
    )


def _button(booking: Booking, changed: Changed, *, verb: str) -> str:
    if not changed.difference_minor:
        return f"{verb}, same price"
    return f"{verb}, {_money(booking, changed.after_minor)}"


def _fee_lines(booking: Booking, changed: Changed) -> list[tuple[str, str]]:
    fee = changed.proposal.fee_minor
    return [("Fee for moving", _money(booking, fee))] if fee else []


def _difference(booking: Booking, changed: Changed) -> str:
    if changed.credit_minor:
        return f"{_money(booking, changed.credit_minor)} was paid beyond the new price: it becomes credit."
    if changed.difference_minor > 0:
        return f"{_money(booking, changed.difference_minor)} more is due."
    if changed.difference_minor < 0:
        return f"{_money(booking, -changed.difference_minor)} less is due."
    return "The price stays as it is."


def _money(booking: Booking, minor: int) -> str:
    return format_minor(minor, booking.currency)


def _act(request: HttpRequest, booking: Booking, wanted: Edit | None, entries: Mapping[str, Any]) -> str:
    assert wanted is not None, "the form asks for a time"
    expected = int(entries["shown"].split("|")[2])
    alterations.edit(
        booking=booking,
        edit=wanted,
        actor=dialogs.actor(request),
        reason=entries["reason"],
        expected_total_minor=expected,
    )
    messages.success(request, f"{booking.code} was changed. Its price is {_money(booking, expected)}.")
    return url_of(booking)
