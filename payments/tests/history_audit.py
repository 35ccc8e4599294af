"""What must hold after any history: asked of the rows and of the ledger, each computed without the other.

Terms, all in minor units, of one merchant or of one booking:

received    what payments brought, all methods but credit; a transfer that was taken back brought nothing
sent back   refunds whose money moved: through Stripe once its balance moved, by hand once staff recorded it
fees        the method fees within what was received, less their share in what was sent back
kept        by cancellations in force, and money of nobody that staff booked as income
earned      the price of events that are done
given       credit that staff granted, less what of it expired: money that nobody paid
forgiven    cents that cash was short of, and rests that staff wrote off, of bookings that are asked for

received - sent back - fees - kept - earned + given + forgiven
    = customer_deposits + customer_credit + unallocated - accounts_receivable

A refund that is decided but whose money has not moved yet is off its instalment (or lot) already and in the ledger
still; `_waiting` names that difference wherever rows and ledger are compared.
"""

from collections.abc import Iterable

from django.db.models import Sum

from bookings.models import Booking, BookingState, Instalment, PriceLine
from customers.models import Customer
from payments import balance, ledger, refunds
from payments.models import (
    Account,
    Credit,
    CreditUseKind,
    DeskItem,
    DeskKind,
    LedgerEntry,
    Payment,
    PaymentState,
    Refund,
    RefundRoute,
    RefundState,
    Transfer,
    WebhookEvent,
)
from payments.models.refund import HOLDING_STATES, NO_MONEY_MOVES
from payments.statements import posting
from payments.tests import history_kept, history_logs, history_papers
from payments.tests.history_world import World, check_constraints

CLEARING_BY_HAND = ("zelle", "venmo", "cash", "check")


def moved(refund: Refund) -> bool:
    """Whether its money has left, as the ledger has it."""
    if refund.state in NO_MONEY_MOVES or refund.route == RefundRoute.CREDIT:
        return False
    if refund.route == RefundRoute.MANUAL:
        return refund.state == RefundState.SUCCEEDED
    return bool(refund.stripe_balance_transaction_id)


def decided(refund: Refund) -> bool:
    """Whether it took its money off the booking: agreed to, and neither failed nor withdrawn."""
    return refund.state not in NO_MONEY_MOVES | {RefundState.REQUESTED}


def taken_as_credit(refund: Refund) -> bool:
    """Of money other than credit: moved within its payment, so that the payment's own parts tell of it."""
    return (
        refund.route == RefundRoute.CREDIT
        and refund.state == RefundState.SUCCEEDED
        and refund.payment.method != "credit"
    )


def check_each_step(world: World) -> None:
    """What holds between any two steps, whatever has not been told yet."""
    check_constraints()
    rows = list(Refund.objects.select_related("payment"))
    failed = {
        refund.payment.booking_id
        for refund in rows
        if refund.state in (RefundState.FAILED, RefundState.CANCELED)
    }
    lines = dict(PriceLine.objects.values_list("booking").annotate(Sum("amount_minor")).order_by())
    for booking in Booking.objects.prefetch_related("instalments"):
        _check_plan(booking, lines_minor=lines.get(booking.pk, 0), has_failed=booking.pk in failed)
    for payment in Payment.objects.all():
        _check_payment(payment, [refund for refund in rows if refund.payment_id == payment.pk])


def _check_plan(booking: Booking, *, lines_minor: int, has_failed: bool) -> None:
    """Plan and lines sum to the price, and nobody is asked for more than is owed."""
    parts = list(booking.instalments.all())
    price = booking.total_minor
    planned = sum(part.amount_minor for part in parts)
    assert lines_minor == planned == price, (
        f"{booking.code}: lines {lines_minor}, plan {planned}, price {price}"
    )
    asked = sum(part.open_minor for part in parts)
    for part in parts:
        assert part.forgiven_minor == sum(row.amount_minor for row in part.write_offs.all()), part
    assert booking.state != "cancelled" or not any(part.forgiven_minor for part in parts), booking.code
    # A refund that failed leaves more on an instalment than it asks for, with an item on the desk.
    owed = max(0, price - sum(part.covered_minor for part in parts))
    assert asked <= owed or has_failed, f"{booking.code}: asks for {asked}, owed is {owed}"


def _check_payment(payment: Payment, rows: list[Refund]) -> None:
    kept = [refund for refund in rows if not taken_as_credit(refund)]
    refunded = sum(refund.total_minor for refund in kept if refund.state == RefundState.SUCCEEDED)
    refunding = sum(refund.total_minor for refund in kept if refund.state in HOLDING_STATES)
    assert (payment.refunded_minor, payment.refunding_minor) == (refunded, refunding), payment.pk
    assert refunded + refunding <= payment.received_minor, payment.pk
    parts = payment.placed_minor + payment.received_fee_minor + payment.credit_minor
    assert parts + payment.unallocated_minor + payment.kept_minor == payment.received_minor, payment.pk


def check_at_the_end(world: World) -> None:
    world.catch_up()
    check_each_step(world)
    _check_tie_out(world)
    rows = list(Refund.objects.select_related("payment"))
    _check_instalments(rows)
    _check_credit(world, rows)
    _check_unallocated(world, rows)
    _check_bookings(rows)
    _check_equation(world, rows)
    _check_clearing(world, rows)
    _check_receipts()
    _check_desk(rows)
    history_logs.check()


def _check_tie_out(world: World) -> None:
    """Stripe's balance is what the ledger says, and nothing on either side waits for the other."""
    failed = WebhookEvent.objects.exclude(state__in=["handled", "ignored"]).values_list(
        "type", "state", "last_error"
    )
    assert not failed, list(failed)
    found = balance.tie_out(world.shop.account, currency="usd")
    assert (found.difference_minor, found.not_posted, found.awaiting) == (0, (), ()), found


def _check_instalments(rows: list[Refund]) -> None:
    """What is paid of an instalment is what payments placed on it, less the refunds of them."""
    back: dict[int, int] = {}
    for refund in rows:
        if decided(refund) and not taken_as_credit(refund):
            back[refund.payment_id] = back.get(refund.payment_id, 0) + refund.from_booking_minor
    for booking in Booking.objects.all():
        for part in booking.instalments.all():
            placed = sum(payment.placed_minor - back.get(payment.pk, 0) for payment in part.payments.all())
            assert part.paid_minor == placed, (
                f"{booking.code} {part.purpose}: {part.paid_minor}, not {placed}"
            )


def _of_lots(refund: Refund) -> int:
    """What it took out of the customer's credit."""
    total: int = refund.credit_uses.aggregate(total=Sum("amount_minor", default=0))["total"]
    return total


def _check_credit(world: World, rows: list[Refund]) -> None:
    """Each customer's lots are what the ledger owes them; a refund under way has left the lots alone."""
    for customer in Customer.objects.all():
        lots = Credit.objects.filter(customer=customer).aggregate(total=Sum("remaining_minor", default=0))[
            "total"
        ]
        waiting = sum(
            _of_lots(refund)
            for refund in rows
            if refund.payment.customer_id == customer.pk
            and refund.state not in NO_MONEY_MOVES
            and refund.route != RefundRoute.CREDIT
            and not moved(refund)
        )
        entries = LedgerEntry.objects.filter(customer=customer, account=Account.CUSTOMER_CREDIT)
        owed = -entries.aggregate(total=Sum("amount_minor", default=0))["total"]
        assert lots + waiting == owed, f"{customer.email}: lots {lots} + {waiting}, ledger {owed}"


def loose(payment: Payment, rows: Iterable[Refund]) -> int:
    """What of the payment the ledger has on `unallocated`."""
    own = [refund for refund in rows if refund.payment_id == payment.pk and moved(refund)]
    return payment.unallocated_minor - sum(refund.from_credit_minor - _of_lots(refund) for refund in own)


def _check_unallocated(world: World, rows: list[Refund]) -> None:
    for payment in Payment.objects.all():
        booked = -ledger.payment_balance(payment, account=Account.UNALLOCATED)
        assert loose(payment, rows) == booked, (
            f"payment {payment.pk}: {loose(payment, rows)}, ledger {booked}"
        )


def bounced(payment: Payment) -> int:
    """Credit of a transfer that was taken back, and that had been spent: its customer owes it."""
    if payment.state != PaymentState.REVERSED:
        return 0
    lots = payment.credits.aggregate(total=Sum("amount_minor", default=0))["total"]
    ended = payment.credits.filter(uses__kind=CreditUseKind.REVERSED).aggregate(
        total=Sum("uses__amount_minor", default=0)
    )["total"]
    return int(lots - ended)


def _waiting(rows: Iterable[Refund]) -> int:
    """Principal that decided refunds have taken off a booking, and that has not left the ledger yet."""
    return sum(
        refund.from_booking_minor
        for refund in rows
        if decided(refund) and not moved(refund) and refund.route != RefundRoute.CREDIT
    )


def _check_bookings(rows: list[Refund]) -> None:
    """Each booking's deposits and receivable come out as its story says."""
    for booking in Booking.objects.all():
        own = [refund for refund in rows if refund.payment.booking_id == booking.pk]
        deposits = -ledger.booking_balance(booking, account=Account.CUSTOMER_DEPOSITS)
        receivable = ledger.booking_balance(booking, account=Account.ACCOUNTS_RECEIVABLE)
        told = sum(part.covered_minor for part in booking.instalments.all()) + _waiting(own)
        told -= history_kept.of(booking)
        told -= sum(bounced(payment) for payment in booking.payments.all())
        if booking.state == BookingState.COMPLETED:
            told -= booking.total_minor
        where = f"{booking.code} ({booking.state}): deposits {deposits}, receivable {receivable}, told {told}"
        assert deposits - receivable == told, where
        assert deposits >= 0 <= receivable, where
        history_kept.check_tax(booking)
        if booking.state != BookingState.COMPLETED:
            assert receivable == sum(bounced(payment) for payment in booking.payments.all()), where


def _check_equation(world: World, rows: list[Refund]) -> None:
    books = world.shop.balances()
    brought = Payment.objects.exclude(method="credit")
    received = sum(payment.received_minor for payment in brought)
    sent = sum(refund.total_minor for refund in rows if moved(refund))
    fees = sum(payment.received_fee_minor for payment in brought)
    fees -= sum(refund.fee_minor for refund in rows if moved(refund))
    kept = sum(payment.kept_minor for payment in brought)
    kept += sum(history_kept.of(booking) for booking in Booking.objects.all())
    earned = sum(booking.total_minor for booking in Booking.objects.filter(state=BookingState.COMPLETED))
    given = sum(lot.amount_minor for lot in Credit.objects.filter(source="grant"))
    given -= Credit.objects.filter(uses__kind=CreditUseKind.EXPIRED).aggregate(
        total=Sum("uses__amount_minor", default=0)
    )["total"]
    forgiven = Instalment.objects.aggregate(total=Sum("forgiven_minor", default=0))["total"]
    left = received - sent - fees - kept - earned + given + forgiven
    owed = -sum(
        books.get(name, 0)
        for name in (Account.CUSTOMER_DEPOSITS, Account.CUSTOMER_CREDIT, Account.UNALLOCATED)
    )
    owed -= books.get(Account.ACCOUNTS_RECEIVABLE, 0)
    assert left == owed, (
        f"{received} - {sent} - {fees} - {kept} - {earned} + {given} + {forgiven} = {left}, ledger {owed}"
    )


def _check_clearing(world: World, rows: list[Refund]) -> None:
    """By hand: what came, less what was sent."""
    books = world.shop.balances()
    for method in CLEARING_BY_HAND:
        came = Transfer.objects.filter(method=method, reversed_at__isnull=True).aggregate(
            total=Sum("amount_minor", default=0)
        )["total"]
        sent = sum(refund.total_minor for refund in rows if refund.payment.method == method and moved(refund))
        assert books.get(f"clearing:{method}", 0) == came - sent - _banked(method, rows), method


def _banked(method: str, rows: list[Refund]) -> int:
    """What statement lines explain of it: transfers that came to the bank, less refunds that left it."""
    proved = Transfer.objects.filter(method=method, reversed_at__isnull=True, statement_line__isnull=False)
    came: int = proved.aggregate(total=Sum("amount_minor", default=0))["total"]
    left = [row.total_minor for row in rows if row.payment.method == method and posting.is_sent(row)]
    return came - sum(left)


def _check_receipts() -> None:
    """One for each payment that came for a booking; all papers numbered without a gap."""
    paid = Payment.objects.filter(
        booking__isnull=False, state__in=[PaymentState.SUCCEEDED, PaymentState.REVERSED]
    )
    lacking = paid.filter(receipt__isnull=True)
    assert not lacking.exists(), list(lacking.values_list("pk", "method", "state"))
    history_papers.check()


def _check_desk(rows: list[Refund]) -> None:
    """Money of nobody has an open item, unless a refund of it is on its way."""
    for payment in Payment.objects.filter(unallocated_minor__gt=0):
        if refunds.loose(payment)[0]:
            items = payment.desk_items.filter(closed_at__isnull=True)
            assert items.exists(), f"payment {payment.pk}: {refunds.loose(payment)[0]} lies on nobody's desk"
    for refund in rows:
        if refund.state == RefundState.FAILED:
            assert DeskItem.objects.filter(
                kind=DeskKind.REFUND_FAILED, key=f"refund:{refund.public_id}"
            ).exists()
