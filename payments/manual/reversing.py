"""Taking money back that was none: a wrong match, a check that bounced, a transfer that was recalled.

The instalment is open again, the booking stays as it is, and a person is told (desk) as well as the customer. A
reversal is a posting of its own; nothing in the ledger is changed.
"""

from django.contrib.auth.models import User
from django.db import transaction

from bookings import agreement
from bookings.models import Booking, BookingState, Instalment
from core import clock
from core.errors import Invalid
from payments import changes, desk, errors, forgiving, ledger, placing
from payments.credit import lots
from payments.manual import telling
from payments.models import Account, CreditUseKind, DeskKind, Payment, PaymentState, Transfer


@transaction.atomic
def reverse(transfer: Transfer, *, reason: str, by: User) -> bool:
    """Take the whole transfer back; False when it was taken back before. Its reference may then be recorded anew.

    Raises Invalid without a reason, NotReversible while a refund of it was made or is under way, and while a statement
    line proves it: that line is set free first, with its posting to bank (`statements.undo`).
    """
    reason = reason.strip()[:500]
    if not reason:
        raise Invalid("Say why it is taken back.", fields={"reason": "Say why it is taken back."})
    ids = Payment.objects.filter(transfer=transfer, booking__isnull=False).values_list(
        "booking_id", flat=True
    )
    desk.lock_of(transfer.payments.all())
    bookings = placing.lock(set(ids))
    payments = list(
        Payment.objects.filter(transfer=transfer)
        .select_related("merchant")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    transfer = Transfer.objects.select_for_update(of=("self",), no_key=True).get(pk=transfer.pk)
    if transfer.is_reversed:
        return False
    if transfer.statement_line_id is not None:
        raise errors.NotReversible(
            "A statement's line proves this money. Take it back there, with its match."
        )
    if any(payment.refunded_minor or payment.refunding_minor for payment in payments):
        raise errors.NotReversible("A refund of this money was made or is under way. Settle that first.")
    for payment in payments:
        booking = bookings.get(payment.booking_id) if payment.booking_id else None
        if booking is not None:
            booking.merchant = payment.merchant
        _take_back(transfer, payment, booking, reason=reason, by=by)
    transfer.reversed_at, transfer.reversed_by, transfer.reversal_reason = clock.now(), by, reason
    transfer.save(update_fields=["reversed_at", "reversed_by", "reversal_reason"])
    return True


def _take_back(
    transfer: Transfer, payment: Payment, booking: Booking | None, *, reason: str, by: User
) -> None:
    received, placed = payment.received_minor, payment.placed_minor
    was_nobodys = payment.unallocated_minor == received
    desk.close_of(payment, actor=f"user:{by.pk}", words=f"The money was taken back. {reason}")
    spent = payment.credit_minor - _end_credit(payment, actor=f"user:{by.pk}")
    _post(transfer, payment, booking, spent_minor=spent)
    if payment.instalment_id and placed:
        instalment = Instalment.objects.get(pk=payment.instalment_id)
        instalment.paid_minor -= placed
        instalment.save(update_fields=["paid_minor"])
        if booking is not None:
            forgiving.ask_again_of(payment, booking, instalment, actor=f"user:{by.pk}", reason=reason)
            changes.fit_kept(booking, source_key=f"not-kept:{transfer.public_id}:{payment.public_id}")
    payment.received_minor = payment.received_fee_minor = payment.placed_minor = 0
    payment.credit_minor = payment.unallocated_minor = payment.kept_minor = 0
    payment.platform_fee_minor = 0
    payment.transition_to(
        PaymentState.REVERSED,
        actor=f"user:{by.pk}",
        reason=reason,
        save=[
            "received_minor",
            "received_fee_minor",
            "placed_minor",
            "credit_minor",
            "unallocated_minor",
            "kept_minor",
            "platform_fee_minor",
            "updated_at",
        ],
    )
    if was_nobodys:
        return  # Nothing was paid by it, so nothing is open again.
    desk.raise_item(
        merchant=payment.merchant,
        kind=DeskKind.MONEY_REVERSED,
        key=f"reversed:{transfer.public_id}:{payment.public_id}",
        summary=f"A {payment.get_method_display()} payment was taken back"
        + (f": {booking.code}" if booking else ""),
        payment=payment,
        booking=booking,
        evidence={
            "transfer": str(transfer.public_id),
            "reference": transfer.reference,
            "received_minor": received,
            "placed_minor": placed,
            "spent_credit_minor": spent,
            "currency": payment.currency,
        },
    )
    if booking is not None:
        telling.reversed_(payment, booking=booking, amount_minor=received)


def _end_credit(payment: Payment, *, actor: str) -> int:
    """Take what is left of the payment's credit; how much that was. The rest was spent."""
    own = lots.lock(payment.credits.filter(remaining_minor__gt=0).order_by("pk"))
    left = sum(lot.remaining_minor for lot in own)
    taken = lots.use(own, amount_minor=left, kind=CreditUseKind.REVERSED, payment=payment, actor=actor)
    return sum(part.amount_minor for part in taken)


def _post(transfer: Transfer, payment: Payment, booking: Booking | None, *, spent_minor: int) -> None:
    """What the payment had brought, opposite; credit that was spent meanwhile is owed by the customer."""
    is_done = booking is not None and booking.state == BookingState.COMPLETED
    deposits = Account.ACCOUNTS_RECEIVABLE if is_done else Account.CUSTOMER_DEPOSITS
    fee_tax = agreement.tax_in_method_fee(booking, fee_minor=payment.received_fee_minor) if booking else 0
    key = f"reversed:{transfer.public_id}:{payment.public_id}"
    what = booking.code if booking else transfer.reference or str(transfer.public_id)[:8]
    fee = payment.platform_fee_minor or 0
    ledger.post(
        merchant=payment.merchant,
        currency=payment.currency,
        source_key=key,
        description=f"{payment.get_method_display()} payment {what} taken back",
        occurred_at=clock.now(),
        payment=payment,
        lines=[
            ledger.debit(deposits, payment.placed_minor),
            ledger.debit(Account.PROCESSING_FEE_INCOME, payment.received_fee_minor - fee_tax),
            ledger.debit(Account.TAX_PAYABLE, fee_tax),
            ledger.debit(Account.CUSTOMER_CREDIT, payment.credit_minor - spent_minor),
            ledger.debit(Account.ACCOUNTS_RECEIVABLE, spent_minor),
            ledger.debit(Account.UNALLOCATED, payment.unallocated_minor),
            ledger.debit(Account.OTHER_INCOME, payment.kept_minor),
            ledger.credit(f"clearing:{payment.method}", payment.received_minor),
        ],
    )
    ledger.post(
        merchant=payment.merchant,
        currency=payment.currency,
        source_key=f"pf:{key}",
        description=f"Platform fee {what} taken back",
        occurred_at=clock.now(),
        payment=payment,
        lines=[ledger.debit(Account.PLATFORM_PAYABLE, fee), ledger.credit(Account.PLATFORM_FEES, fee)],
    )
