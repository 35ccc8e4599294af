"""A payment's own credit on its way back to whoever paid, and its return when the refund fails."""

from django.db.models import F, Sum

from core.money import format_minor
from payments import errors
from payments.credit import lots
from payments.models import Credit, CreditUse, CreditUseKind, Payment, Refund


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


def unspend(payment: Payment, *, amount_minor: int, actor: str) -> None:
    """What a payment by credit had spent returns to the lots it came from, the newest use first. Under the locks."""
    left = amount_minor
    lots.lock(Credit.objects.filter(uses__payment=payment).order_by("pk").distinct())
    spent = payment.credit_uses.values("credit").annotate(minor=Sum("amount_minor")).filter(minor__gt=0)
    for row in spent.order_by("-credit"):
        part = min(left, row["minor"])
        if not part:
            break
        lot = Credit.objects.select_for_update(of=("self",), no_key=True).get(pk=row["credit"])
        Credit.objects.filter(pk=lot.pk).update(remaining_minor=F("remaining_minor") + part)
        CreditUse.objects.create(
            credit=lot, kind=CreditUseKind.SPENT, amount_minor=-part, payment=payment, actor=actor
        )
        left -= part
    if left:
        raise AssertionError(f"payment {payment.pk} never spent {left} of credit")
