"""Money that staff or a statement found: recorded once, placed, posted, and the customer told.

One transfer becomes one or several payments whose received amounts sum to it; `receive` is the one way in. All of it is
one transaction; two at once wait for each other on the Booking, and the second finds the claim decided, the reference
used, or the instalment paid and its money kept as credit.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from bookings.models import Booking, Instalment, Purpose
from core import clock
from core.money import MAX_MINOR
from customers.models import Customer
from payments import dues, errors, placing
from payments.manual import amounts, claiming, starting, telling
from payments.manual.found import Found, Outcome, Part, Result, check
from payments.models import (
    MANUAL_METHODS,
    Claim,
    ClaimState,
    Payment,
    PaymentState,
    StatementLine,
    Transfer,
    reference_key,
)


def confirm(
    said: Claim,
    *,
    amount_minor: int,
    received_on: date,
    by: User,
    reference: str = "",
    sender_name: str = "",
    note: str = "",
    request_key: str = "",
    statement_line: StatementLine | None = None,
    others: Sequence[Part] = (),
) -> Outcome:
    """The claimed money was found: `amount_minor` in all, `others` naming what of it is for other bookings.
    All of it kept as credit, the claim ends so, and the booking stays unpaid. Raises AlreadyDecided (somebody was
    faster), ReferenceUsed, Invalid (amounts that do not add up); then nothing changed.
    """
    payment = Payment.objects.select_related("booking", "merchant").get(pk=said.payment_id)
    found = Found(
        merchant=payment.merchant,
        method=payment.method,
        amount_minor=amount_minor,
        currency=payment.currency,
        received_on=received_on,
        by=by,
        reference=reference,
        sender_name=sender_name or said.sender_name,
        note=note,
        request_key=request_key,
        statement_line=statement_line,
    )
    own = amount_minor - sum(part.amount_minor for part in others)
    if others and not own and all(part.booking is None for part in others):
        return receive(found, parts=others, said=said)
    part = Part(amount_minor=own, booking=payment.booking, payment=payment)
    return receive(found, parts=[part, *others], said=said)


def record(found: Found, *, booking: Booking, purpose: str = "") -> Outcome:
    """Money for a booking that nobody claimed: cash, a check, a transfer seen first. An open claim of the same method
    and instalment is confirmed by it. Purpose `full`: it may pay all that is open, not only what is due next.
    """
    return receive(found, parts=[Part(amount_minor=found.amount_minor, booking=booking, purpose=purpose)])


def split(found: Found, *, parts: Sequence[Part]) -> Outcome:
    """One transfer for several bookings; the parts must sum to it."""
    return receive(found, parts=parts)


def as_credit(found: Found, *, customer: Customer) -> Outcome:
    """Money of a customer that is for no booking yet: kept as their credit, and they are told."""
    return receive(found, parts=[Part(amount_minor=found.amount_minor, customer=customer)])


def unplaced(found: Found) -> Outcome:
    """Money of which nobody knows whose it is: unallocated, and on the desk."""
    return receive(found, parts=[Part(amount_minor=found.amount_minor)])


def receive(found: Found, *, parts: Sequence[Part], said: Claim | None = None) -> Outcome:
    """Record the transfer and book each part; the same `request_key` again changes nothing."""
    check(found, parts=parts)
    try:
        with transaction.atomic():
            return _receive(found, parts=parts, said=said)
    except IntegrityError as error:
        violated = _constraint(error)
        if violated == "one_transfer_per_request" and (before := _before(found)):
            return before
        if violated == "one_transfer_per_reference":
            raise _used(found) from error
        raise


def _constraint(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


def _before(found: Found) -> Outcome | None:
    """What this very request recorded already."""
    if not found.request_key:
        return None
    transfer = Transfer.objects.filter(merchant=found.merchant, request_key=found.request_key).first()
    if transfer is None:
        return None
    results = tuple(
        _result(payment, forgiven_minor=max(0, sum(row.amount_minor for row in payment.write_offs.all())))
        for payment in transfer.payments.order_by("pk")
    )
    return Outcome(transfer, results, is_new=False)


def _used(found: Found) -> errors.ReferenceUsed:
    """The refusal that names where this money went."""
    twin = _twin(found)
    payments = twin.payments.select_related("booking") if twin else []
    codes = ", ".join(payment.booking.code for payment in payments if payment.booking)
    words = f"“{found.reference}” was recorded before" + (f", for {codes}" if codes else "") + "."
    return errors.ReferenceUsed(words, transfer=str(twin.public_id) if twin else "")


def _twin(found: Found) -> Transfer | None:
    key = reference_key(found.reference, method=found.method, sender_name=found.sender_name)
    if not key:
        return None
    return Transfer.objects.filter(
        merchant=found.merchant, method=found.method, reference_key=key, reversed_at__isnull=True
    ).first()


def _receive(found: Found, *, parts: Sequence[Part], said: Claim | None) -> Outcome:
    ids = {part.booking.pk for part in parts if part.booking}
    if said is not None and said.payment.booking_id:
        ids.add(said.payment.booking_id)
    bookings = placing.lock(ids)
    for booking in bookings.values():
        booking.merchant = found.merchant
    if before := _before(found):
        return before
    claimed = None
    if said is not None:
        said, claimed, _ = claiming.lock_claim(said)
        if said.state != ClaimState.OPEN:
            raise errors.AlreadyDecided(claiming.decided(said))
    if _twin(found):
        raise _used(found)
    transfer = _transfer(found)
    # Payments are locked by id, as everywhere; the parts' bookings hold their instalments still.
    results = [
        _book(found, transfer, replace(part, booking=bookings[part.booking.pk] if part.booking else None))
        for part in sorted(parts, key=lambda part: part.payment.pk if part.payment else MAX_MINOR)
    ]
    if said is not None and claimed is not None and not any(part.booking for part in parts):
        claiming.keep(said, claimed, transfer_id=transfer.pk, by=found.by, actor=found.actor)
    for result in results:
        telling.received(result, claimed=claimed)
    return Outcome(transfer, tuple(results))


def _transfer(found: Found) -> Transfer:
    return Transfer.objects.create(
        merchant=found.merchant,
        method=found.method,
        currency=found.currency,
        amount_minor=found.amount_minor,
        reference=" ".join(found.reference.split())[:120],
        reference_key=reference_key(found.reference, method=found.method, sender_name=found.sender_name),
        sender_name=" ".join(found.sender_name.split())[:120],
        received_on=found.received_on,
        note=found.note.strip()[:500],
        recorded_by=found.by,
        request_key=found.request_key,
        statement_line=found.statement_line,
    )


def _book(found: Found, transfer: Transfer, part: Part) -> Result:
    booking = part.booking
    payment = _payment(found, part)
    payment.merchant = found.merchant
    payment.transfer = transfer
    if part.purpose == Purpose.FULL:
        payment.purpose = Purpose.FULL  # Also where the customer had been told of the next part alone.
    ask = placing.Asked(0, 0)
    if booking is not None and dues.aim(payment) is not None:
        # What is open now, which may be less than when the customer was told: somebody may have paid meanwhile.
        payment.booking = booking
        ask = amounts.with_fee(booking, dues.asked_now(payment), method=found.method)
    booked = placing.book(
        payment, booking, _incoming(found, transfer, payment, part), asked=ask, save=["transfer", "purpose"]
    )
    claiming.confirm_claims(payment, transfer_id=transfer.pk, by=found.by, actor=found.actor)
    payment.instalment = booked.instalment
    if booked.instalment is not None and not booked.instalment.open_minor:
        _end_others(booked.instalment, but=payment, actor=found.actor)
    return _result(
        payment, refusal=booked.refusal, instalment=booked.instalment, forgiven_minor=booked.forgiven_minor
    )


def _payment(found: Found, part: Part) -> Payment:
    """The claimed or open payment that this money is, locked; else a row of its own."""
    if part.payment is not None:
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=part.payment.pk)
        if payment.state in (PaymentState.SUCCEEDED, PaymentState.REVERSED):
            raise errors.AlreadyDecided("This payment was recorded already.")
        return payment
    if part.booking is None:
        return _without_booking(found, part)
    try:
        ask = dues.next_due(part.booking, purpose=part.purpose)
    except errors.AlreadyPaid:
        return starting.new_payment(part.booking, None, method=found.method)
    waiting = starting.open_payment(ask.instalment, method=found.method)
    if waiting is not None:
        return waiting
    return starting.new_payment(part.booking, ask, method=found.method)


def _without_booking(found: Found, part: Part) -> Payment:
    return Payment.objects.create(
        merchant=found.merchant,
        customer=part.customer,
        method=found.method,
        currency=found.currency,
        amount_minor=part.amount_minor,
        total_minor=part.amount_minor,
        gateway_fee_minor=0,
    )


def _incoming(found: Found, transfer: Transfer, payment: Payment, part: Part) -> placing.Incoming:
    key = f"transfer:{transfer.public_id}:{payment.public_id}"
    return placing.Incoming(
        amount_minor=part.amount_minor,
        currency=found.currency,
        occurred_at=_moment(found),
        clearing=f"clearing:{found.method}",
        source=key,
        platform_source=f"pf:{key}",
        desk_key=key,
        description=transfer.reference or str(transfer.public_id)[:8],
        actor=found.actor,
        in_parts=True,
        as_credit=part.booking is None and part.customer is not None,
        evidence={
            "transfer": str(transfer.public_id),
            "method": found.method,
            "reference": transfer.reference,
        },
    )


def _moment(found: Found) -> datetime:
    """Noon of the day in the merchant's zone; never later than now."""
    noon = datetime.combine(found.received_on, time(12), tzinfo=ZoneInfo(found.merchant.timezone))
    return min(noon, clock.now())


def _end_others(instalment: Instalment, *, but: Payment, actor: str) -> None:
    """The instalment is paid: what was only shown how to pay it otherwise ends. Claims stay for staff to decide."""
    rows = Payment.objects.filter(
        instalment=instalment, method__in=MANUAL_METHODS, state=PaymentState.CREATED
    ).exclude(pk=but.pk)
    for payment in rows.order_by("pk").select_for_update(of=("self",), no_key=True):
        payment.transition_to(
            PaymentState.CANCELED, actor=actor, reason="paid another way", save=["updated_at"]
        )


def _result(
    payment: Payment, *, refusal: str = "", instalment: Instalment | None = None, forgiven_minor: int = 0
) -> Result:
    instalment = instalment or payment.instalment
    return Result(
        payment=payment,
        placed_minor=payment.placed_minor,
        fee_minor=payment.received_fee_minor,
        credit_minor=payment.credit_minor,
        unallocated_minor=payment.unallocated_minor,
        short_minor=instalment.open_minor if instalment is not None and payment.placed_minor else 0,
        refusal=refusal,
        forgiven_minor=forgiven_minor,
    )
