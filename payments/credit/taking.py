"""A payment's own credit on its way back to whoever paid, and its return when the refund fails."""

from django.db.models import F, Sum

from bookings.models import Booking
from core import clock
from core.money import format_minor
from payments import errors, ledger
from payments.credit import lots
from payments.models import Account, Credit, CreditUse, CreditUseKind, Payment, PaymentState, Refund


def take(refund: Refund, payment: Payment, *, amount_minor: int, actor: str) -> None:
    """Reserve what a refund sends back of the payment's credit. Raises RefundTooLarge when it was spent meanwhile."""
    if not amount_minor:
        return
    own = lots.lock(payment.credits.filter(remaining_minor__gt=0).order_by("pk"))
    left = sum(lot.remaining_minor for lot in own)
    if left < amount_minor:
        raise errors.RefundTooLarge(
            f"Of this payment's credit {format_minor(left, payment.currency)} is left; "
            "the rest was spent on a booking."
        )
    lots.use(own, amount_minor=amount_minor, kind=CreditUseKind.REFUNDED, refund=refund, actor=actor)


def give_back(refund: Refund, *, actor: str) -> None:
    """The refund moved no money: what it had taken is credit again. Twice gives back once."""
    taken = refund.credit_uses.values("credit").annotate(minor=Sum("amount_minor")).filter(minor__gt=0)
    for row in taken.order_by("credit"):
        lot = Credit.objects.select_for_update(of=("self",), no_key=True).get(pk=row["credit"])
        Credit.objects.filter(pk=lot.pk).update(remaining_minor=F("remaining_minor") + row["minor"])
        CreditUse.objects.create(
            credit=lot, kind=CreditUseKind.REFUNDED, amount_minor=-row["minor"], refund=refund, actor=actor
        )


def unspend(payment: Payment, *, amount_minor: int, actor: str, source_key: str) -> None:
    """What a payment by credit had spent returns to the lots it came from, the newest use first. Under the locks.

    A lot whose own money was taken back meanwhile is no credit any more: what returns to it pays what its customer has
    owed since.
    """
    left = amount_minor
    lots.lock(Credit.objects.filter(uses__payment=payment).order_by("pk").distinct())
    spent = payment.credit_uses.values("credit").annotate(minor=Sum("amount_minor")).filter(minor__gt=0)
    for row in spent.order_by("-credit"):
        part = min(left, row["minor"])
        if not part:
            break
        lot = Credit.objects.select_for_update(of=("self",), no_key=True).get(pk=row["credit"])
        lot.remaining_minor += part
        lot.save(update_fields=["remaining_minor"])
        CreditUse.objects.create(
            credit=lot, kind=CreditUseKind.SPENT, amount_minor=-part, payment=payment, actor=actor
        )
        if lot.payment is not None and lot.payment.state == PaymentState.REVERSED:
            _pay_what_is_owed(lot, amount_minor=part, actor=actor, source_key=source_key)
        left -= part
    if left:
        raise AssertionError(f"payment {payment.pk} never spent {left} of credit")


def _pay_what_is_owed(lot: Credit, *, amount_minor: int, actor: str, source_key: str) -> None:
    lots.use([lot], amount_minor=amount_minor, kind=CreditUseKind.REVERSED, payment=lot.payment, actor=actor)
    ledger.post(
        merchant=lot.merchant,
        currency=lot.currency,
        source_key=f"{source_key}:{lot.public_id}",
        description="Credit came back whose money had been taken back",
        occurred_at=clock.now(),
        payment=lot.payment,
        lines=[
            ledger.debit(Account.CUSTOMER_CREDIT, amount_minor),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, amount_minor),
        ],
    )


def owed_for(booking: Booking) -> int:
    """Credit from transfers for this booking that was spent before they were taken back: its customer owes it, whether
    the event takes place or not. In minor units.
    """
    own = Credit.objects.filter(payment__booking=booking, payment__state=PaymentState.REVERSED)
    came: int = own.aggregate(total=Sum("amount_minor", default=0))["total"]
    ended = CreditUse.objects.filter(credit__in=own, kind=CreditUseKind.REVERSED)
    taken: int = ended.aggregate(total=Sum("amount_minor", default=0))["total"]
    return came - taken
