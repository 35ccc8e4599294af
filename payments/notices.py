"""What customers are told about their money by e-mail, true at the time it is said. Inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.urls import reverse

from bookings import access
from bookings.models import Booking, BookingState, Instalment
from bookings.notices import to_pay
from core import outbox
from customers import access as roles
from customers import letters, merchants
from payments.models import Cancellation, CardCharge, CreditNote, Payment, Receipt, Refund, RefundState


def refunded(refund: Refund, *, payment: Payment, booking: Booking) -> None:
    """Tell that a refund succeeded: not before, and once."""
    _to_customer(
        "refund",
        booking,
        key=f"refund:{refund.public_id}",
        subject=f"Your refund from {booking.merchant.name}",
        refund=refund,
        payment=payment,
    )


def receipt(left: Receipt, *, pdf: bytes) -> None:
    """The receipt of a payment, its PDF attached."""
    booking = left.payment.booking
    assert booking is not None
    _to_customer(
        "receipt",
        booking,
        key=f"receipt:{left.public_id}",
        subject=f"Your receipt {left.label} from {left.merchant.name}",
        attachments=[(f"{left.label}.pdf", "application/pdf", pdf)],
        receipt=left,
        payment=left.payment,
    )


def credit_note(note: CreditNote, *, pdf: bytes) -> None:
    """Tell that the price fell, its note attached; whether money went back is told when it did."""
    _to_customer(
        "credit_note",
        note.booking,
        key=f"credit_note:{note.public_id}",
        subject=f"The price of {note.booking.code} fell: credit note {note.label}",
        attachments=[(f"{note.label}.pdf", "application/pdf", pdf)],
        note=note,
    )


def cancelled(booking: Booking, done: Cancellation) -> None:
    """Tell that the booking is cancelled, what comes back and by which way, and what is kept, as it stands now.

    What waits for a second person is not promised: that it is being decided is all that is said.
    """
    refunds = list(done.refunds.exclude(state=RefundState.REQUESTED).select_related("payment").order_by("pk"))
    _to_customer(
        "booking_cancelled",
        booking,
        key=f"cancelled:{done.public_id}",
        subject=f"Your booking {booking.code} is cancelled",
        cancellation=done,
        refunds=refunds,
        total_minor=sum(refund.total_minor for refund in refunds),
        is_undecided=done.refunds.filter(state=RefundState.REQUESTED).exists(),
    )


def reminder(booking: Booking, part: Instalment, *, kind: str, is_overdue: bool) -> bool:
    """Remind of an instalment that falls due, or is overdue; False when this reminder was left before."""
    words = "is overdue" if is_overdue and part.due_on else "is due soon" if part.due_on else "is due now"
    return _to_customer(
        "reminder",
        booking,
        key=f"reminder:{part.pk}:{part.due_on}:{kind}",
        subject=f"The {part.get_purpose_display().lower()} for {booking.code} {words}",
        part=part,
        is_overdue=is_overdue,
        **_to_pay(booking, part.open_minor),
    )


def more_time(booking: Booking, part: Instalment, *, open_minor: int) -> bool:
    """Tell the later day that staff gave for what is open, in minor units; once for each day."""
    return _to_customer(
        "reminder",
        booking,
        key=f"more-time:{part.pk}:{part.due_on}",
        subject=f"You have more time to pay for {booking.code}",
        part=part,
        is_new_day=True,
        **_to_pay(booking, open_minor),
    )


def _to_pay(booking: Booking, open_minor: int) -> dict[str, Any]:
    return {**to_pay(booking, open_minor), "is_over": booking.state == BookingState.COMPLETED}


def refund_failed(refund: Refund, *, payment: Payment, booking: Booking) -> None:
    """Tell the truth when a refund failed, also when it had been told as done: the money is with the merchant."""
    _to_customer(
        "refund_failed",
        booking,
        key=f"refund_failed:{refund.public_id}",
        subject=f"Your refund did not arrive ({booking.code})",
        refund=refund,
        payment=payment,
    )


def refund_to_approve(refund: Refund) -> None:
    """Ask those who may approve it, but never the requester."""
    merchant = refund.payment.merchant
    for user in roles.who_may(merchant, permission=roles.APPROVE):
        assert isinstance(user, User)
        if user.email and user.pk != refund.requested_by_id:
            _to_staff("refund_to_approve", refund, to=user.email, subject="A refund waits for your approval")


def refund_declined(refund: Refund, *, by: User | None = None) -> None:
    """Tell the requester that it was declined, by whom and why."""
    asker = refund.requested_by
    if asker is not None and asker.email and (by is None or asker.pk != by.pk):
        _to_staff("refund_declined", refund, to=asker.email, subject="Your refund request has ended")


def _to_customer(
    template: str,
    booking: Booking,
    *,
    key: str,
    subject: str,
    attachments: Sequence[tuple[str, str, bytes]] = (),
    **facts: Any,
) -> bool:
    """One e-mail to the booking's contact, in both forms; False when this one was left before."""
    context = {
        "booking": booking,
        "event_at": booking.local(booking.starts_at),
        "link": booking_link(booking),
        **facts,
    }
    return letters.leave(
        template,
        merchant=booking.merchant,
        key=key,
        to=booking.contact_email,
        subject=subject,
        context=context,
        zone=booking.timezone,
        attachments=attachments,
    )


def _to_staff(template: str, refund: Refund, *, to: str, subject: str) -> None:
    merchant = refund.payment.merchant
    page = reverse("admin:payments_refund_change", args=[refund.pk])
    context = {
        "refund": refund,
        "payment": refund.payment,
        "booking": refund.payment.booking,
        "merchant": merchant,
        "asker": refund.requested_by.get_username() if refund.requested_by else "the system",
        "decider": refund.decided_by.get_username() if refund.decided_by else "",
        "link": f"{merchants.site_url(merchant)}{page}",
    }
    outbox.enqueue(
        key=f"{template}:{refund.public_id}:{to}",
        to=to,
        subject=subject,
        text=render_to_string(f"email/{template}.txt", context),
        html=render_to_string(f"email/{template}.html", context),
        merchant_id=merchant.pk,
    )


def changed(booking: Booking, *, before: Mapping[str, Any], credit_minor: int, key: str) -> None:
    """Tell that guests, menu, add-ons or the time changed, what it costs now, and what is due next."""
    due = next((part for part in booking.instalments.order_by("position") if part.open_minor), None)
    _to_customer(
        "booking_changed",
        booking,
        key=key,
        subject=f"Your booking {booking.code} was changed",
        before_minor=before["total_minor"],
        moved=before["starts_at"] != booking.starts_at.isoformat(),
        due=due,
        **(to_pay(booking, due.open_minor) if due else {}),
        credit_minor=credit_minor,
    )


def bank_wants_customer(charge: CardCharge, *, payment: Payment, booking: Booking) -> None:
    """Ask the customer to complete a payment that their bank did not allow while they were away. Once for each try."""
    _to_customer(
        "bank_wants_customer",
        booking,
        key=f"bank-wants-customer:{payment.public_id}:{charge.number}",
        subject=f"Your bank asks you to confirm a payment to {booking.merchant.name}",
        payment=payment,
        card=charge.card,
    )


def booking_link(booking: Booking) -> str:
    """The booking's page with a token that opens it, as sent by e-mail."""
    page = reverse("payments:booking", kwargs={"code": booking.code})
    return f"{merchants.site_url(booking.merchant)}{page}?t={access.issue(booking)}"
