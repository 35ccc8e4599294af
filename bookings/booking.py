"""Making a booking: checks, price, plan and hold, stored in one transaction or not at all.

Called by the pages and the API. The amounts are computed here from the merchant's catalogue, never taken from the
request; what the customer agreed to is frozen on the booking. The customer's row is written first, then the booking's,
then the slot is locked: the same order in every request, so that two never wait for each other.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction

from bookings import agreement, catalogue, codes, lifecycle, notices, plan, pricing, requests, slots
from bookings.errors import InvalidRequest
from bookings.models import Booking, BookingAddOn, Instalment, PriceLine, Slot
from bookings.requests import BookingRequest
from core import clock
from core.errors import Conflict
from customers.models import Customer, Merchant

__all__ = ["BookingRequest", "create", "store_add_ons", "store_lines"]

CODE_TRIES = 5
_NO_SUCH_TIME = "That time is no longer offered. Please choose another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A request that was found good, with everything that is stored of it."""

    merchant: Merchant
    request: BookingRequest
    slot: Slot
    inputs: pricing.PriceInputs
    price: pricing.Price
    token: uuid.UUID | None
    actor: str


def create(
    *, merchant: Merchant, request: BookingRequest, actor: str, idempotency_token: uuid.UUID | None = None
) -> Booking:
    """A held booking with its customer, lines, plan and agreement.

    The same request sent again with the same `idempotency_token` (a form's, or an API key's) gets the booking that
    the first one made; another request with that token makes its own. A customer who exists keeps name and phone.
    Raises InvalidRequest (all problems, by field) or SlotTaken; nothing is stored then.
    """
    request = requests.tidy(request)
    token = _token(idempotency_token, merchant=merchant, request=request)
    if token is not None and (before := _of_token(token)):
        return before
    draft = _draft(merchant=merchant, request=request, token=token, actor=actor)
    for _ in range(CODE_TRIES):
        try:
            with transaction.atomic():
                return _store(draft)
        except IntegrityError as error:
            violated = _constraint(error)
            if "request_token" in violated and token is not None and (twin := _of_token(token)):
                return twin
            if "code" not in violated:
                raise
    raise Conflict("No free booking code was found. Please try again.")


def _token(given: uuid.UUID | None, *, merchant: Merchant, request: BookingRequest) -> uuid.UUID | None:
    """One name per form and content: going back, changing the guests and sending again is another booking."""
    if given is None:
        return None
    return uuid.uuid5(given, f"{merchant.pk} {requests.fingerprint(request)}")


def _of_token(token: uuid.UUID) -> Booking | None:
    return Booking.objects.filter(request_token=token).first()


def _constraint(error: IntegrityError) -> str:
    """The violated constraint's name, as PostgreSQL tells it."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


def _draft(*, merchant: Merchant, request: BookingRequest, token: uuid.UUID | None, actor: str) -> _Draft:
    """Check all of it, so that a person sees every problem at once."""
    found = requests.problems(request, country=merchant.country)
    slot = slots.find(merchant=merchant, public_id=request.slot_public_id)
    if slot is None:
        found["slot_public_id"] = _NO_SUCH_TIME
    try:
        inputs = catalogue.inputs(
            merchant=merchant,
            menu_id=request.menu_id,
            adults=request.adults,
            children=request.children,
            add_ons=request.add_ons,
            postal_code=request.postal_code,
            event_date=slots.local_date(slot, merchant=merchant) if slot else clock.today(merchant.timezone),
        )
    except InvalidRequest as error:
        raise InvalidRequest({**error.fields, **found}) from error
    if found or slot is None:
        raise InvalidRequest(found)
    return _Draft(
        merchant=merchant,
        request=request,
        slot=slot,
        inputs=inputs,
        price=pricing.price(inputs),
        token=token,
        actor=actor,
    )


def _store(draft: _Draft) -> Booking:
    booking = _insert(draft, customer=_customer(draft))
    store_lines(booking, lines=draft.price.lines)
    store_add_ons(booking, quantities=draft.request.add_ons)
    _store_plan(booking)
    until = clock.now() + timedelta(minutes=draft.merchant.hold_minutes)
    lifecycle.hold(booking, until=until, actor=draft.actor, reason="Booked")
    if booking.total_minor == 0:
        lifecycle.confirm(booking, actor=draft.actor, reason="Nothing to pay")
    notices.held(booking)
    return booking


def _customer(draft: _Draft) -> Customer:
    """By e-mail address. Whoever knows the address may book, but not rewrite what is known of the customer."""
    request = draft.request
    phone = requests.phone_e164(request.phone, country=draft.merchant.country)
    customer, _created = Customer.objects.get_or_create(
        merchant=draft.merchant, email=request.email, defaults={"name": request.name, "phone": phone or ""}
    )
    return customer


def _insert(draft: _Draft, *, customer: Customer) -> Booking:
    merchant, request, slot, price = draft.merchant, draft.request, draft.slot, draft.price
    agreed = agreement.freeze(merchant=merchant, inputs=draft.inputs)
    return Booking.objects.create(
        merchant=merchant,
        customer=customer,
        code=codes.new(),
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        timezone=merchant.timezone,
        adults=request.adults,
        children=request.children,
        menu_id=request.menu_id,
        street=request.street,
        city=request.city,
        region=request.region,
        postal_code=catalogue.postal_code(request.postal_code, country=merchant.country),
        contact_name=request.name,
        contact_email=request.email,
        contact_phone=requests.phone_e164(request.phone, country=merchant.country) or "",
        customer_notes=request.notes,
        currency=price.currency,
        total_minor=price.total_minor,
        tax_minor=price.tax_minor,
        agreement=agreed,
        terms_version=agreed["terms_version"],
        terms_accepted_at=clock.now(),
        request_token=draft.token,
    )


def store_lines(booking: Booking, *, lines: Sequence[pricing.Line]) -> None:
    """Write a price's lines onto a booking that has none."""
    PriceLine.objects.bulk_create(
        PriceLine(
            booking=booking,
            position=position,
            kind=line.kind,
            description=line.description[:160],
            quantity=line.quantity,
            unit_minor=line.unit_minor,
            amount_minor=line.amount_minor,
        )
        for position, line in enumerate(lines, start=1)
    )


def store_add_ons(booking: Booking, *, quantities: Mapping[int, int]) -> None:
    """Write AddOn id -> quantity onto a booking that has none."""
    BookingAddOn.objects.bulk_create(
        BookingAddOn(booking=booking, add_on_id=pk, quantity=quantity) for pk, quantity in quantities.items()
    )


def _store_plan(booking: Booking) -> None:
    parts = plan.plan(
        total_minor=booking.total_minor,
        policy=agreement.plan_policy(booking),
        event_date=booking.event_date,
        today=clock.today(booking.timezone),
    )
    Instalment.objects.bulk_create(
        Instalment(
            booking=booking,
            position=position,
            purpose=part.purpose,
            amount_minor=part.amount_minor,
            due_on=part.due_on,
        )
        for position, part in enumerate(parts, start=1)
    )
