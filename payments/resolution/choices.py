"""Which actions an item offers now, and what each would do, in amounts. Reads only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import models

from bookings.models import Booking, BookingState
from core.money import format_minor
from customers.models import PaymentMethod
from payments import cancellation, credit, dues, refunds, writeoffs
from payments.models import (
    Account,
    DeskItem,
    DeskKind,
    LedgerEntry,
    Payment,
    PaymentState,
    Refund,
    RefundRoute,
)


class Action(models.TextChoices):
    PLACE = "place", "Place it on a booking"
    REINSTATE = "reinstate", "Bring the booking back"
    CREDIT = "credit", "Keep it as the customer's credit"
    SPEND = "spend", "Use it for what is due next"
    REFUND = "refund", "Send it back"
    INCOME = "income", "Keep it as income"
    CONFIRM = "confirm", "Confirm the booking all the same"
    RELEASE = "release", "End the hold"
    RETRY = "retry", "Refund again"
    BOOK = "book", "Book it to an account"
    RECORD = "record", "Record money that came"
    REMIND = "remind", "Remind them now"
    MORE_TIME = "more_time", "Give more time"
    CANCEL = "cancel", "Cancel the booking"
    WRITE_OFF = "write_off", "Write off the rest"
    NOTED = "noted", "Close it with a note"


# Done on the booking's page, by its own dialogs; the item closes by itself once nothing of it is open.
ON_BOOKING = frozenset({Action.RECORD, Action.REMIND, Action.MORE_TIME, Action.CANCEL, Action.WRITE_OFF})


# Where a movement of Stripe's balance that has no other cause may belong.
BOOKABLE = (Account.OTHER_INCOME, Account.GATEWAY_FEES, Account.ADJUSTMENTS, Account.BANK)


@dataclass(frozen=True)
class Choice:
    """One action; `needs` names what else the person must give: booking (a code), customer (e-mail), account."""

    action: Action
    effect: str
    needs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return str(self.action.label)


def choices(item: DeskItem) -> tuple[Choice, ...]:
    """The item's possible actions, the likeliest first; none for a closed one."""
    if item.closed_at is not None:
        return ()
    found = [*_of_money(item), *_of_kind(item)]
    if not found or item.kind in _NOTED_ALWAYS:
        found.append(
            Choice(Action.NOTED, _NOTED.get(DeskKind(item.kind), "Nothing moves; your note stays with it."))
        )
    return tuple(found)


_NOTED_ALWAYS = frozenset(
    {DeskKind.REFUND_FAILED, DeskKind.AMOUNT_MISMATCH, DeskKind.MODE_MISMATCH, DeskKind.BALANCE_STUCK}
)
_NOTED = {
    DeskKind.SURPLUS: "The credit was used or sent back already; nothing moves.",
    DeskKind.REFUND_FAILED: "Nothing moves: the money stays here as it is, because you settled it with the customer.",
    DeskKind.AMOUNT_MISMATCH: "Nothing moves: what was paid counts, and the rest stays due.",
    DeskKind.MODE_MISMATCH: "Nothing moves: the keys or the endpoint were put right.",
}


def _of_money(item: DeskItem) -> Iterable[Choice]:
    payment = item.payment
    if payment is None or payment.state != PaymentState.SUCCEEDED:
        return
    unallocated, lots = refunds.loose(payment)
    if unallocated:
        yield from _of_unallocated(item, payment, unallocated)
    elif lots and item.kind == DeskKind.SURPLUS:
        yield from _of_credit(item, payment, lots)


def _of_unallocated(item: DeskItem, payment: Payment, minor: int) -> Iterable[Choice]:
    amount = format_minor(minor, payment.currency)
    booking = item.booking
    if booking is not None and booking.state in (BookingState.CANCELLED, BookingState.EXPIRED):
        yield Choice(
            Action.REINSTATE,
            f"{booking.code} is confirmed again if its time is free, and {amount} is placed on it.",
        )
    yield Choice(
        Action.PLACE,
        f"{amount} pays what that booking asks for next, with its fee; what is left over becomes credit.",
        needs=("booking",),
    )
    whose = f"{payment.customer.name}'s" if payment.customer else "the customer's"
    yield Choice(
        Action.CREDIT,
        f"{amount} becomes {whose} credit, for the next payment or booking.",
        needs=() if payment.customer else ("customer",),
    )
    yield Choice(Action.REFUND, _back(payment, amount))
    yield Choice(Action.INCOME, f"{amount} is booked as other income: only when nobody can be found.")


def _of_credit(item: DeskItem, payment: Payment, minor: int) -> Iterable[Choice]:
    amount = format_minor(minor, payment.currency)
    booking = item.booking
    if booking is not None and (spendable := credit.spendable(booking)):
        spent = format_minor(spendable.amount_minor, payment.currency)
        part = spendable.instalment.get_purpose_display().lower()
        yield Choice(Action.SPEND, f"{spent} of credit pays the {part} of {booking.code}.")
    yield Choice(Action.REFUND, _back(payment, amount))
    yield Choice(Action.CREDIT, f"{amount} stays the customer's credit, as it is now.")


def _back(payment: Payment, amount: str) -> str:
    """What sending it back means, by the way it came."""
    if payment.method == PaymentMethod.CARD:
        return f"{amount} goes back to the card it came from. Stripe keeps its own fee."
    return (
        f"{amount} goes back by hand ({payment.get_method_display()}): send it, then record it under Refunds."
    )


def _of_kind(item: DeskItem) -> Iterable[Choice]:
    offer = _OFFERS.get(DeskKind(item.kind))
    return offer(item) if offer else ()


def _confirm(item: DeskItem) -> Iterable[Choice]:
    booking = item.booking
    if booking is not None and booking.state in (BookingState.HELD, BookingState.EXPIRED):
        owed = _next_words(booking)
        yield Choice(Action.CONFIRM, f"{booking.code} is confirmed if its time is free; {owed} stays due.")


def _next_words(booking: Booking) -> str:
    found = dues.choices(booking)
    return format_minor(found[0].amount_minor, booking.currency) if found else "nothing"


def _end_hold(item: DeskItem) -> Iterable[Choice]:
    yield from _confirm(item)
    booking = item.booking
    if booking is not None and booking.state == BookingState.HELD:
        paid = sum(part.paid_minor for part in booking.instalments.all())
        yield Choice(
            Action.RELEASE,
            f"The time is free again; {format_minor(paid, booking.currency)} becomes the customer's credit.",
        )


def _retry(item: DeskItem) -> Iterable[Choice]:
    payment = item.payment
    refund = failed_refund(item)
    if payment is None or refund is None:
        return
    left = refunds.refundable(payment, cause=refund.cause)
    if left >= refund.amount_minor:
        total = format_minor(refund.total_minor, refund.currency)
        by_hand = refund.route == RefundRoute.MANUAL
        words = "waits to be sent by hand" if by_hand else "is sent to Stripe"
        yield Choice(Action.RETRY, f"A new refund of {total} {words}.")


def failed_refund(item: DeskItem) -> Refund | None:
    """The refund that the item tells of."""
    public_id = item.evidence.get("refund", "")
    if item.payment is None or not public_id:
        return None
    return item.payment.refunds.filter(public_id=public_id).first()


def _book(item: DeskItem) -> Iterable[Choice]:
    minor = on_unallocated(item)
    if minor:
        amount = format_minor(abs(minor), item.evidence.get("currency", item.merchant.currency))
        way = "came in" if minor > 0 else "went out"
        yield Choice(
            Action.BOOK, f"{amount} that {way} is booked to the account you choose.", needs=("account",)
        )


def on_unallocated(item: DeskItem) -> int:
    """What the movement put on `unallocated`, in minor units: positive for money that came in."""
    rows = LedgerEntry.objects.filter(
        transaction__merchant=item.merchant,
        transaction__source_key=f"bt:{item.evidence.get('balance_transaction', '')}",
        account=Account.UNALLOCATED,
    )
    return -sum(rows.values_list("amount_minor", flat=True))


def _overdue(item: DeskItem) -> Iterable[Choice]:
    """What staff would do about it, each on the booking's page."""
    booking = item.booking
    minor = writeoffs.open_minor(booking) if booking is not None else 0
    if booking is None or not minor:
        return
    amount = format_minor(minor, booking.currency)
    yield Choice(
        Action.RECORD, "Cash, a check or a transfer: what it pays is shown to the cent before it is booked."
    )
    yield Choice(
        Action.REMIND,
        f"An e-mail about the {_next_words(booking)} that is due goes to {booking.contact_name}, unless a payment is "
        "on its way. This stays here until it is paid.",
    )
    yield Choice(
        Action.MORE_TIME,
        f"{amount} is due on a later day; {booking.contact_name} is told, and reminded anew.",
    )
    if booking.state in cancellation.CANCELLABLE:
        yield Choice(
            Action.CANCEL,
            f"{booking.code} ends by its policy: what goes back and what is kept is shown first, and its time is free.",
        )
    yield Choice(
        Action.WRITE_OFF, f"{amount} is not asked for any more, and booked as an adjustment. The price stays."
    )


_OFFERS: dict[DeskKind, Callable[[DeskItem], Iterable[Choice]]] = {
    DeskKind.AMOUNT_MISMATCH: _confirm,
    DeskKind.HOLD_WITH_MONEY: _end_hold,
    DeskKind.REFUND_FAILED: _retry,
    DeskKind.BALANCE_MOVED: _book,
    DeskKind.OVERDUE: _overdue,
}
