"""Changing what was booked: guests, menu, add-ons, time. What was agreed stays; only what changes costs today's price.

`propose` computes, `store` writes. Both know no payments: edits that touch money go through `payments/changes.py`,
which holds the Booking's lock. Unit prices of what stays, travel, discount, minimum spend and (unless the day changes)
tax rates are those of the booking, so that a raised menu price never reaches a guest who was booked before.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bookings import agreement, catalogue, pricing, slots
from bookings import booking as bookings
from bookings.errors import InvalidRequest
from bookings.models import Booking, LineKind, Menu, Per, PriceLine, Slot
from bookings.pricing import AddOnChoice, PriceInputs
from core.errors import Invalid

# Lines that came after the booking was made: edits leave them as they are. Their tax is within them.
LATER_KINDS = (LineKind.REDUCTION, LineKind.EXTRA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What shall be different; None stays as it is. `add_ons` is AddOn id -> quantity, all that shall be there.

    `fee_minor` is added for the change itself, as a line of its own.
    """

    adults: int | None = None
    children: int | None = None
    menu_id: int | None = None
    add_ons: Mapping[int, int] | None = None
    slot_public_id: uuid.UUID | None = None
    fee_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The booking as it would be. `total_minor` and `tax_minor` have earlier price reductions in them."""

    adults: int
    children: int
    menu_id: int
    add_ons: dict[int, int]
    slot: Slot | None
    fee_minor: int
    inputs: PriceInputs
    price: pricing.Price
    total_minor: int
    tax_minor: int


def propose(booking: Booking, edit: Edit) -> Proposal:
    """What the edit would make of the booking. Raises InvalidRequest by field. Reads only."""
    problems: dict[str, str] = {}
    adults = booking.adults if edit.adults is None else edit.adults
    children = booking.children if edit.children is None else edit.children
    problems |= catalogue.guest_problems(adults=adults, children=children)
    slot = _slot(booking, edit, problems=problems)
    lines = list(booking.lines.all())
    menu = _menu(booking, edit, problems=problems)
    add_ons = _add_ons(booking, edit)
    choices = _choices(booking, add_ons, lines=lines, problems=problems)
    if problems:
        raise InvalidRequest(problems)
    inputs = _inputs(booking, adults, children, menu=menu, choices=choices, lines=lines, slot=slot)
    price = pricing.price(inputs)
    later = [line for line in lines if line.kind in LATER_KINDS]
    fee = edit.fee_minor if slot is not None else 0
    total = price.total_minor + sum(line.amount_minor for line in later) + fee
    tax = price.tax_minor + sum(line.tax_minor for line in later)
    if total < 0 or tax < 0:
        raise Invalid("Earlier price reductions are larger than the new price. Reduce it by less.")
    return Proposal(
        adults=adults,
        children=children,
        menu_id=menu.pk,
        add_ons=add_ons,
        slot=slot,
        fee_minor=fee,
        inputs=inputs,
        price=price,
        total_minor=total,
        tax_minor=tax,
    )


def _slot(booking: Booking, edit: Edit, *, problems: dict[str, str]) -> Slot | None:
    """The new time, None when it stays."""
    if edit.slot_public_id is None or edit.slot_public_id == booking.slot.public_id:
        return None
    slot = slots.find(merchant=booking.merchant, public_id=edit.slot_public_id)
    if slot is None:
        problems["slot_public_id"] = "That time is no longer offered. Please choose another one."
    return slot


def _menu(booking: Booking, edit: Edit, *, problems: dict[str, str]) -> Menu:
    if edit.menu_id is None or edit.menu_id == booking.menu_id:
        return booking.menu
    menu = catalogue.menus(booking.merchant).filter(pk=edit.menu_id).first()
    if menu is None:
        problems["menu_id"] = "Choose one of the menus."
    return menu or booking.menu


def _add_ons(booking: Booking, edit: Edit) -> dict[int, int]:
    if edit.add_ons is None:
        return {row.add_on_id: row.quantity for row in booking.add_ons.all()}
    return {pk: quantity for pk, quantity in edit.add_ons.items() if quantity}


def _choices(
    booking: Booking, wanted: Mapping[int, int], *, lines: list[PriceLine], problems: dict[str, str]
) -> tuple[AddOnChoice, ...]:
    """At the price agreed to where it was booked before, at today's where it is new."""
    had = {row.add_on_id: row.add_on for row in booking.add_ons.select_related("add_on")}
    new = {pk: quantity for pk, quantity in wanted.items() if pk not in had}
    found = catalogue.choices_of(new, merchant=booking.merchant, problems=problems)
    agreed = {line.description: line.unit_minor for line in lines if line.kind == LineKind.ADD_ON}
    for pk in wanted.keys() & had.keys():
        add_on = had[pk]
        catalogue.check_quantity(add_on, quantity=wanted[pk], problems=problems)
        unit = agreed.get(add_on.name, add_on.price_minor)
        found[pk] = AddOnChoice(add_on.name, Per(add_on.per), unit, wanted[pk])
    return tuple(found[pk] for pk in sorted(found))


def _inputs(
    booking: Booking,
    adults: int,
    children: int,
    *,
    menu: Menu,
    choices: tuple[AddOnChoice, ...],
    lines: list[PriceLine],
    slot: Slot | None,
) -> PriceInputs:
    agreed = booking.agreement
    same_menu = menu.pk == booking.menu_id
    units = {line.kind: line.unit_minor for line in lines} if same_menu else {}
    travel = next((line for line in lines if line.kind == LineKind.TRAVEL), None)
    discount = next((line for line in lines if line.kind == LineKind.DISCOUNT), None)
    return PriceInputs(
        currency=booking.currency,
        adults=adults,
        children=children,
        menu_name=menu.name,
        adult_price_minor=units.get(LineKind.MENU_ADULT, menu.adult_price_minor),
        child_price_minor=units.get(LineKind.MENU_CHILD, menu.child_price_minor),
        add_ons=choices,
        travel_name=travel.description if travel else "Travel",
        travel_minor=travel.amount_minor if travel else 0,
        discount_name=discount.description if discount else "Discount",
        discount_minor=-discount.amount_minor if discount else 0,
        minimum_spend_minor=agreed.get("minimum_spend_minor", 0),
        tax_rates=_tax_rates(booking, slot),
        tax_travel=agreed.get("tax_travel", False),
        tax_after_discount=agreed.get("tax_after_discount", True),
    )


def _tax_rates(booking: Booking, slot: Slot | None) -> tuple[tuple[str, Decimal], ...]:
    """Taxes are those of the event's day."""
    if slot is None:
        return agreement.tax_rates(booking)
    day = slots.local_date(slot, merchant=booking.merchant)
    return catalogue.tax_rates(booking.merchant, place=booking.postal_code, on=day)


def store(booking: Booking, proposal: Proposal) -> None:
    """Write the proposal onto the locked booking: its row, lines and add-ons. SlotTaken when the new time is full.

    What was reduced or added later stays, after the new lines. The plan is the caller's.
    """
    if proposal.slot is not None:
        _move(booking, proposal.slot)
    booking.adults, booking.children = proposal.adults, proposal.children
    booking.menu_id = proposal.menu_id
    booking.total_minor, booking.tax_minor = proposal.total_minor, proposal.tax_minor
    rates = [{"name": name, "rate": str(rate)} for name, rate in proposal.inputs.tax_rates]
    booking.agreement = {**booking.agreement, "tax_rates": rates}
    booking.save(
        update_fields=[
            "slot", "starts_at", "ends_at", "adults", "children", "menu", "total_minor", "tax_minor", "agreement",
        ]
    )  # fmt: skip
    later = list(booking.lines.filter(kind__in=LATER_KINDS).order_by("position"))
    if proposal.fee_minor:
        later.append(_fee_line(booking, proposal.fee_minor))
    booking.lines.all().delete()
    bookings.store_lines(booking, lines=proposal.price.lines)
    for place, line in enumerate(later, start=len(proposal.price.lines) + 1):
        line.position = place
    PriceLine.objects.bulk_create(later)
    booking.add_ons.all().delete()
    bookings.store_add_ons(booking, quantities=proposal.add_ons)


def _fee_line(booking: Booking, fee_minor: int) -> PriceLine:
    return PriceLine(
        booking=booking,
        kind=LineKind.EXTRA,
        description="Moved to another day",
        unit_minor=fee_minor,
        amount_minor=fee_minor,
    )


def _move(booking: Booking, to: Slot) -> None:
    slot = slots.take(to.pk)
    if not slot.is_open:
        raise Invalid("That time is no longer offered. Please choose another one.")
    booking.slot = slot
    booking.starts_at, booking.ends_at = slot.starts_at, slot.ends_at


def mark(booking: Booking) -> str:
    """Of what was booked: another one as soon as guests, menu, time or any line of the price are. Forms carry it."""
    lines = [(line.description, line.quantity, line.amount_minor) for line in booking.lines.all()]
    had = (booking.adults, booking.children, booking.menu_id, booking.slot_id, lines)
    return hashlib.sha256(repr(had).encode()).hexdigest()[:16]


def snapshot(booking: Booking) -> dict[str, Any]:
    """What a record of an edit keeps: guests, menu, add-ons, time, lines, plan, total in minor units."""
    return {
        "adults": booking.adults,
        "children": booking.children,
        "menu_id": booking.menu_id,
        "add_ons": {str(row.add_on_id): row.quantity for row in booking.add_ons.all()},
        "slot": str(booking.slot.public_id),
        "starts_at": booking.starts_at.isoformat(),
        "total_minor": booking.total_minor,
        "tax_minor": booking.tax_minor,
        "lines": list(
            booking.lines.values(
                "position", "kind", "description", "quantity", "unit_minor", "amount_minor", "tax_minor"
            )
        ),
        "plan": [
            {**row, "due_on": row["due_on"].isoformat() if row["due_on"] else None}
            for row in booking.instalments.values(
                "position", "purpose", "amount_minor", "paid_minor", "forgiven_minor", "due_on"
            )
        ],
    }
