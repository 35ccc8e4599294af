"""The refund dialog of a payment: which way it goes, to the cent, and who must agree, before anything happens."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminRadioSelectWidget

from core.errors import Invalid
from core.money import format_minor
from customers.authentication import recent
from customers.console import MinorAmountField
from customers.models import PaymentMethod
from payments import refunds
from payments.admin import dialogs, panels, refund_words
from payments.admin.dialogs import Dialog, Effect
from payments.models import Payment, RefundCause, RefundRoute
from payments.refunds.amounts import FROM_CREDIT

WORDS = {
    RefundCause.PRICE_REDUCTION: "Price reduction: the booking costs less, and nothing more is owed",
    RefundCause.DUPLICATE: "Paid twice or too much: the booking's price stays as it is",
    RefundCause.DISPUTE_PREVENTION: "To prevent a dispute: the price stays, and it is owed again; no reminder is sent",
}
BACK, CREDIT = "back", "credit"


class RefundForm(dialogs.ReasonForm):
    """Of a payment, or of a booking as a whole: `left` is what may go back for each cause, `back` the ordinary way."""

    live = ("amount", "cause", "way")
    amount = MinorAmountField(label="Amount", help_text="Without the method fee; its share is added.")
    cause = forms.ChoiceField(label="Cause", widget=UnfoldAdminRadioSelectWidget)
    way = forms.ChoiceField(label="Goes back", widget=UnfoldAdminRadioSelectWidget)
    field_order = ("amount", "cause", "way", "reason")

    def __init__(
        self, *args: Any, currency: str, left: Mapping[str, int], back: str, keeps: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        amount, cause, way = self.fields["amount"], self.fields["cause"], self.fields["way"]
        assert isinstance(amount, MinorAmountField)
        assert isinstance(cause, forms.ChoiceField)
        assert isinstance(way, forms.ChoiceField)
        amount.currency = currency
        cause.choices = [
            (name, f"{words} (up to {format_minor(left[name], currency)})")
            for name, words in WORDS.items()
            if left[name] > 0 or (name == RefundCause.PRICE_REDUCTION and not any(left.values()))
        ]
        keeps = keeps and left[RefundCause.PRICE_REDUCTION] > 0  # the rest is credit already
        way.choices = [(BACK, back), *([(CREDIT, "Kept as the customer's credit")] if keeps else [])]
        way.required = False
        if not keeps:
            way.widget = forms.HiddenInput()

    def clean_amount(self) -> int:
        minor: int = self.cleaned_data["amount"]
        if minor <= 0:
            raise ValidationError("Type an amount above zero.")
        return minor

    def clean_way(self) -> str:
        return self.cleaned_data["way"] or BACK


def check_way(entries: Mapping[str, Any]) -> bool:
    """Whether it shall be kept as credit. What was paid twice lies there as credit already."""
    as_credit: bool = entries.get("way") == CREDIT
    if as_credit and entries["cause"] in FROM_CREDIT:
        raise Invalid(
            "What was paid twice or too much is the customer's credit already; it can only be sent back."
        )
    return as_credit


def likely_cause(left: Mapping[str, int]) -> str:
    return (
        RefundCause.PRICE_REDUCTION if left[RefundCause.PRICE_REDUCTION] > 0 else RefundCause.DUPLICATE
    ).value


def who_must_agree(
    payment: Payment, *, total_minor: int, request: HttpRequest, to_credit: bool = False
) -> tuple[str, tuple[str, ...], str]:
    """(warning, notes, button): whether a second person must agree and why, and what is left of the day's limit."""
    seen = refunds.foresee(
        payment, total_minor=total_minor, by=dialogs.person(request), is_credit_to_credit=to_credit
    )
    notes = [seen.limit] if seen.limit else []
    if seen.needs_proof and not recent.recently_authenticated(request):
        notes.append("You will be asked to prove that it is you; what you typed is kept.")
    return seen.why, tuple(notes), "Ask for" if seen.needs_second else "Refund"


def view(request: HttpRequest, *, payment: Payment | None, console: Any) -> HttpResponse:
    """The caller has checked the permission and found the payment among the person's own."""
    if payment is None:
        raise Http404
    found = payment
    left = {str(cause): refunds.refundable(found, cause=cause) for cause in WORDS}
    cause = likely_cause(left)
    url = reverse("admin:payments_payment_change", args=[found.pk])
    dialog = Dialog(
        title="Refund",
        intro=_intro(found),
        form=lambda *args, **more: RefundForm(
            *args,
            currency=found.currency,
            left=left,
            back=_way_words(found),
            keeps=found.method != PaymentMethod.CREDIT,
            **more,
        ),
        initial={"amount": left[cause], "cause": cause, "way": BACK},
        look=lambda entries: _look(request, found, entries),
        act=lambda entries: _act(request, found, entries, url=url),
        earlier=lambda key: _earlier(request, found, key=key, url=url),
        back=url,
    )
    return dialogs.answer(request, dialog, console=console)


def _intro(payment: Payment) -> object:
    received = f"{panels.method(payment)}, received {format_minor(payment.received_minor, payment.currency)}"
    if payment.booking is None:
        return received
    return format_html('Booking <span class="ts-code">{}</span>, {}', payment.booking.code, received)


def _way_words(payment: Payment) -> str:
    route = refunds.route_of(payment, as_credit=False)
    if route == RefundRoute.MANUAL:
        return f"Sent by hand: {payment.get_method_display()}, by one of you"
    return (
        f"Back to {panels.method(payment)}, through Stripe"
        if route == RefundRoute.GATEWAY
        else "Back to credit"
    )


def _look(request: HttpRequest, payment: Payment, entries: Mapping[str, Any]) -> Effect:
    amount, cause = entries["amount"], entries["cause"]
    as_credit = check_way(entries)
    plan = refunds.preview(payment=payment, amount_minor=amount, cause=cause)
    route = refunds.route_of(payment, as_credit=as_credit)
    warning, notes, verb = who_must_agree(
        payment,
        total_minor=plan.total_minor,
        request=request,
        to_credit=payment.method == PaymentMethod.CREDIT,
    )
    total = format_minor(plan.total_minor, payment.currency)
    return Effect(
        lines=(
            ("Principal", format_minor(plan.amount_minor, payment.currency)),
            ("Share of the method fee", format_minor(plan.fee_minor, payment.currency)),
        ),
        total=(to_words(payment, route), total),
        notes=(_price_words(payment, cause=cause, plan=plan, route=route), *notes),
        warning=warning,
        button=f"{verb} {total}",
        shown=":".join(
            map(str, (cause, route, plan.amount_minor, plan.fee_minor, plan.total_minor, plan.tax_minor))
        ),
    )


def to_words(payment: Payment, route: str) -> str:
    """Where the money goes."""
    if route == RefundRoute.CREDIT:
        return "Becomes credit"
    by_hand = " by hand" if route == RefundRoute.MANUAL else ""
    return f"Back to {panels.method(payment)}{by_hand}"


def _price_words(payment: Payment, *, cause: str, plan: refunds.RefundPreview, route: str) -> str:
    currency = payment.currency
    if cause == RefundCause.PRICE_REDUCTION:
        words = (
            f"The booking's price falls by {format_minor(plan.amount_minor, currency)}, "
            f"{format_minor(plan.tax_minor, currency)} tax within."
        )
    elif cause == RefundCause.DISPUTE_PREVENTION:
        amount = format_minor(plan.amount_minor, currency)
        words = f"The booking's price stays: {amount} is owed again. No reminder goes out by itself."
    else:
        words = "The booking's price stays; no tax is within."
    return f"{words} Stripe keeps its own fee." if route == RefundRoute.GATEWAY else words


def _act(request: HttpRequest, payment: Payment, entries: Mapping[str, Any], *, url: str) -> str:
    refund = refunds.request(
        payment=payment,
        amount_minor=entries["amount"],
        cause=entries["cause"],
        reason=entries["reason"],
        requested_by=dialogs.person(request),
        actor=dialogs.actor(request),
        request_key=entries["request_key"],
        as_credit=entries["way"] == CREDIT,
        authenticated_at=recent.proof_of(request).at,
    )
    refund_words.tell(request, [refund])
    return url


def _earlier(request: HttpRequest, payment: Payment, *, key: str, url: str) -> str | None:
    refund = payment.refunds.filter(request_key=key).first()
    if refund is None:
        return None
    refund_words.tell(request, [refund])
    return url
