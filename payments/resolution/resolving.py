"""Carrying out one action of a desk item, once, by somebody who may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from core.errors import Forbidden, Invalid
from core.money import format_minor
from customers import access
from customers.models import Customer
from payments import cancellation, credit, dues, errors, ledger, placing, refunds, statements
from payments.models import Account, DeskItem, Refund, RefundCause, RefundState, StatementLine
from payments.resolution import moving
from payments.resolution.choices import BOOKABLE, ON_BOOKING, Action, choices, failed_refund, on_unallocated

_REFUNDS = frozenset({Action.REFUND, Action.RETRY})


@dataclass(frozen=True)
class Order:
    """What was chosen, by whom and why, with what the action needs."""

    item: DeskItem
    action: Action
    by: User
    reason: str
    booking: Booking | None = None
    customer: Customer | None = None
    account: str = ""
    authenticated_at: datetime | None = None

    @property
    def actor(self) -> str:
        return f"user:{self.by.pk}"

    @property
    def key(self) -> str:
        """The ledger's source for what this item moves: an item moves once."""
        return f"desk:{self.item.public_id}"


def resolve(
    item: DeskItem,
    *,
    action: str,
    by: User,
    reason: str,
    booking: Booking | None = None,
    customer: Customer | None = None,
    account: str = "",
    authenticated_at: datetime | None = None,
) -> DeskItem:
    """Do `action` and close the item. Raises AlreadyResolved (somebody was faster), NotOffered, Forbidden, Invalid and
    what the action itself refuses; then nothing changed. `booking` and `customer` must be the item's merchant's.
    `authenticated_at` is when they last proved who they are: large refunds need that to be recent.
    """
    _check(item, action=action, by=by, reason=reason, booking=booking, customer=customer)
    order = Order(
        item, Action(action), by, reason.strip()[:300], booking, customer, account, authenticated_at
    )
    if order.action in ON_BOOKING:
        raise errors.NotPossible(
            f"“{order.action.label}” is done on the booking's page; this closes by itself."
        )
    if order.action in _REFUNDS:
        _offered(item, order.action)
        outcome = _refund(order)
        with transaction.atomic():
            line = statements.lock_of(item.payment)
            locked = _lock(item)
            _home(line, order, outcome)
            return _close(locked, order, outcome)
    with transaction.atomic():
        line = statements.lock_of(item.payment)
        locked = _lock(item)
        _offered(locked, order.action)
        outcome = _DOING[order.action](order)
        _home(line, order, outcome)
        return _close(locked, order, outcome)


def _home(line: StatementLine | None, order: Order, outcome: str) -> None:
    """A line that lay on the desk is matched once its money has a place, also when whoever gave it one died before."""
    if line is None or order.item.payment is None:
        return
    if order.action != Action.NOTED or not refunds.loose(order.item.payment)[0]:
        statements.found_home(line, actor=order.actor, reason=outcome)


def _check(
    item: DeskItem, *, action: str, by: User, reason: str, booking: Booking | None, customer: Customer | None
) -> None:
    wanted = access.REFUND if action in _REFUNDS else access.RESOLVE
    if not access.may(by, permission=wanted, merchant_id=item.merchant_id):
        raise Forbidden("Your role does not allow this.")
    if not reason.strip():
        raise Invalid("Say why: the reason stays with the item.", fields={"reason": "Say why."})
    if action not in Action.values:
        raise Invalid("Choose one of the actions.", fields={"action": "Choose one of the actions."})
    if booking is not None and booking.merchant_id != item.merchant_id:
        raise Invalid("There is no such booking.", fields={"booking": "There is no such booking."})
    if customer is not None and customer.merchant_id != item.merchant_id:
        raise Invalid("There is no such customer.", fields={"customer": "There is no such customer."})


def _lock(item: DeskItem) -> DeskItem:
    locked = (
        DeskItem.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "payment__customer__merchant", "booking__customer__merchant")
        .get(pk=item.pk)
    )
    if locked.closed_at is not None:
        who = locked.closed_by.get_username() if locked.closed_by else "the system"
        raise errors.AlreadyResolved(f"This was closed by {who}: {locked.resolution}")
    return locked


def _offered(item: DeskItem, action: Action) -> None:
    if not any(choice.action == action for choice in choices(item)):
        raise errors.NotPossible(f"“{action.label}” is not possible for this item any more.")


def _close(item: DeskItem, order: Order, outcome: str) -> DeskItem:
    item.closed_at, item.closed_by, item.action = clock.now(), order.by, order.action
    item.resolution = f"{outcome}. {order.reason}"[:500]
    item.save(update_fields=["closed_at", "closed_by", "action", "resolution"])
    return item


def _locked_booking(order: Order, booking: Booking | None) -> Booking:
    if booking is None:
        raise Invalid("Name the booking by its code.", fields={"booking": "Name the booking by its code."})
    locked = placing.lock([booking.pk])[booking.pk]
    locked.merchant = order.item.merchant
    return locked


def _place(order: Order) -> str:
    assert order.item.payment is not None
    booking = _locked_booking(order, order.booking)
    return moving.place(order.item.payment, booking, actor=order.actor, key=order.key)


def _reinstate(order: Order) -> str:
    """The time is taken again before anything moves: NoCapacity then, and nothing changed."""
    assert order.item.payment is not None
    booking = _locked_booking(order, order.item.booking)
    if booking.state == BookingState.CANCELLED:
        cancellation.reinstate(booking, actor=order.actor, reason=order.reason)
        booking.refresh_from_db()
    else:
        lifecycle.confirm(booking, actor=order.actor, reason=order.reason)
    return f"{booking.code} is back; " + moving.place(
        order.item.payment, booking, actor=order.actor, key=order.key
    )


def _credit(order: Order) -> str:
    payment = order.item.payment
    assert payment is not None
    if not refunds.loose(payment)[0]:
        return "It stays the customer's credit"
    return moving.to_credit(payment, customer=order.customer, key=order.key)


def _income(order: Order) -> str:
    assert order.item.payment is not None
    return moving.to_income(order.item.payment, key=order.key)


def _spend(order: Order) -> str:
    booking = order.item.booking
    assert booking is not None
    spent = credit.spend(
        booking=booking, purpose=dues.next_due(booking).instalment.purpose, actor=order.actor
    )
    return f"{format_minor(spent.placed_minor, spent.currency)} of credit used for {booking.code}"


def _confirm(order: Order) -> str:
    booking = _locked_booking(order, order.item.booking)
    lifecycle.confirm(booking, actor=order.actor, reason=order.reason)
    return f"{booking.code} confirmed"


def _release(order: Order) -> str:
    booking = _locked_booking(order, order.item.booking)
    if Refund.objects.filter(payment__booking=booking, state=RefundState.REQUESTED).exists():
        raise errors.NotPossible("A refund of this booking waits to be decided; then the hold can end.")
    kept = 0
    for part in booking.instalments.filter(paid_minor__gt=0).order_by("position"):
        kept += part.paid_minor
        credit.from_deposits(
            booking, instalment=part, amount_minor=part.paid_minor, source_key=f"{order.key}:{part.pk}"
        )
    lifecycle.expire(booking, actor=order.actor, reason=order.reason)
    return f"The hold ended; {format_minor(kept, booking.currency)} kept as credit"


def _book(order: Order) -> str:
    item = order.item
    if order.account not in BOOKABLE:
        raise Invalid("Choose the account.", fields={"account": "Choose the account."})
    minor, currency = on_unallocated(item), item.evidence["currency"]
    ledger.post(
        merchant=item.merchant,
        currency=currency,
        source_key=order.key,
        description=f"From the desk: {item.summary}",
        occurred_at=clock.now(),
        lines=[ledger.Line(Account.UNALLOCATED, minor), ledger.Line(order.account, -minor)],
    )
    return f"{format_minor(abs(minor), currency)} booked to {Account(order.account).label.lower()}"


def _noted(order: Order) -> str:
    return "Closed with a note"


_DOING: dict[Action, Callable[[Order], str]] = {
    Action.PLACE: _place,
    Action.REINSTATE: _reinstate,
    Action.CREDIT: _credit,
    Action.INCOME: _income,
    Action.SPEND: _spend,
    Action.CONFIRM: _confirm,
    Action.RELEASE: _release,
    Action.BOOK: _book,
    Action.NOTED: _noted,
}


def _refund(order: Order) -> str:
    """The whole of it back the way it came, under the item's own key: chosen twice, refunded once."""
    payment = order.item.payment
    assert payment is not None
    if order.action == Action.RETRY:
        failed = failed_refund(order.item)
        assert failed is not None
        amount_minor, cause = failed.amount_minor, failed.cause
    else:
        unallocated, lots = refunds.loose(payment)
        amount_minor, cause = unallocated or lots, RefundCause.SURPLUS
    refund = refunds.request(
        payment=payment,
        amount_minor=amount_minor,
        cause=cause,
        reason=order.reason,
        requested_by=order.by,
        actor=order.actor,
        request_key=f"desk:{order.item.public_id}",
        authenticated_at=order.authenticated_at,
    )
    return f"{format_minor(refund.total_minor, refund.currency)}: refund {refund.get_state_display().lower()}"
