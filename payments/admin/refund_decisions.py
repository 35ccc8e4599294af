"""A refund's page in the console: approve, decline, record that it was sent by hand, withdraw. Each by POST, in words.

Who may decide is checked in the use case; here the button is not offered to who would be refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import clock
from core.errors import DomainError
from core.money import format_minor
from customers import access
from customers.authentication import recent
from customers.models import Merchant
from payments import errors, refunds
from payments.admin import dialogs, panels, refund_words
from payments.admin.dialogs import Dialog, DialogForm, Effect
from payments.models import Refund, RefundRoute, RefundState


class ApproveForm(DialogForm):
    reason = forms.CharField(
        label="Note",
        required=False,
        max_length=300,
        help_text="If there is something to add. It stays with the refund.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


class SentForm(DialogForm):
    reference = forms.CharField(
        label="Reference",
        max_length=120,
        help_text="The bank's or Venmo's own id, or the check's number.",
        widget=UnfoldAdminTextInputWidget,
    )
    sent_on = forms.DateField(
        label="Sent on", widget=UnfoldAdminDateWidget(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class RefundDecisions:
    """Beside a ScopedAdmin of Refund."""

    def has_approve_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.APPROVE)

    def has_refund_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.REFUND)

    @action(
        description="Approve", icon="check_circle", permissions=["approve"], variant=ActionVariant.PRIMARY
    )
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.APPROVE)
        return self._answer(request, row, "approve", _approve)

    @action(description="Decline", icon="block", permissions=["approve"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.APPROVE)
        return self._answer(request, row, "decline", _decline)

    @action(
        description="I have sent it", icon="task_alt", permissions=["refund"], variant=ActionVariant.PRIMARY
    )
    def sent(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.REFUND)
        return self._answer(request, row, "sent", _sent)

    @action(description="Do not send it", icon="undo", permissions=["refund"])
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.REFUND)
        return self._answer(request, row, "withdraw", _withdraw)

    # unfold's links open what these addresses answer as dialogs; without scripts they are pages.
    approve.dialog = {"title": "Approve", "description": ""}
    decline.dialog = {"title": "Decline", "description": ""}
    sent.dialog = {"title": "I have sent it", "description": ""}
    withdraw.dialog = {"title": "Do not send it", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button where it makes no sense; who asked for a refund may not approve it, and withdraws it."""
        above: Any = super()
        row = self._row(request, str(object_id))
        sensible = offered(row, user_id=request.user.pk) if row else set()
        found: list[Any] = above.get_actions_detail(request, object_id)
        shown = [one for one in found if one.action_name.rpartition("_")[2] in sensible]
        is_own = row is not None and row.requested_by_id == request.user.pk
        return dialogs.own_withdraws(shown) if is_own else shown

    def _answer(
        self,
        request: HttpRequest,
        row: Refund,
        name: str,
        dialog: Callable[[HttpRequest, Refund], Dialog],
    ) -> HttpResponse:
        possible = name in offered(row, user_id=request.user.pk)
        shown = dialogs.only_if(possible, dialog(request, row), refusal=_refusal(row, name))
        return dialogs.answer(request, shown, console=self)

    def _may(self, request: HttpRequest, obj: object, *, permission: str) -> bool:
        if obj is None:
            return access.may(request.user, permission=permission)
        row = obj if isinstance(obj, Refund) else self._row(request, str(obj))
        return row is not None and access.may(
            request.user, permission=permission, merchant_id=row.payment.merchant_id
        )

    def _row(self, request: HttpRequest, object_id: str) -> Refund | None:
        console: Any = self
        row: Refund | None = console.get_object(request, object_id)
        return row

    def _mine(self, request: HttpRequest, object_id: str, *, permission: str) -> Refund:
        row = self._row(request, object_id)
        if row is None or not self._may(request, row, permission=permission):
            raise Http404
        return row


def offered(row: Refund, *, user_id: int | None) -> set[str]:
    """Which of the actions make sense for this refund now, for this person."""
    if row.state == RefundState.REQUESTED:
        return {"decline"} if row.requested_by_id == user_id else {"approve", "decline"}
    if row.state == RefundState.APPROVED and row.route == RefundRoute.MANUAL:
        return {"sent", "withdraw"}
    return set()


def _refusal(row: Refund, name: str) -> DomainError:
    """Why an action that is not offered cannot be done."""
    if name in ("sent", "withdraw"):
        return errors.NotPossible(
            f"This refund is {row.get_state_display().lower()}: there is nothing to send."
        )
    return errors.OwnRefund() if row.state == RefundState.REQUESTED else refunds.decided(row)


def recipient(refund: Refund) -> str:
    """Whom to send it to by hand: as the original transfer named its sender, and how to reach the customer."""
    payment = refund.payment
    claim = payment.claims.order_by("-id").first()
    sender = (payment.transfer.sender_name if payment.transfer else "") or (
        claim.sender_name if claim else ""
    )
    customer = payment.customer
    parts = [sender or (customer.name if customer else "")]
    if customer is not None:
        parts += [customer.email, str(customer.phone or "")]
    return " · ".join(part for part in parts if part) or "–"


def _url(refund: Refund) -> str:
    return reverse("admin:payments_refund_change", args=[refund.pk])


def _total(refund: Refund) -> str:
    return format_minor(refund.total_minor, refund.currency)


def _intro(refund: Refund) -> object:
    who = refund.requested_by.get_username() if refund.requested_by else "the system"
    booking = refund.payment.booking
    code = format_html('Booking <span class="ts-code">{}</span>. ', booking.code) if booking else ""
    return format_html("{}Asked for by {}: {}", code, who, refund.reason)


def _lines(refund: Refund) -> tuple[tuple[object, object], ...]:
    return (
        ("Paid with", panels.method(refund.payment)),
        ("Cause", refund.get_cause_display()),
        ("Principal", format_minor(refund.amount_minor, refund.currency)),
        ("Share of the method fee", format_minor(refund.fee_minor, refund.currency)),
    )


def _approve(request: HttpRequest, refund: Refund) -> Dialog:
    def act(entries: Mapping[str, Any]) -> str:
        done = refunds.approve(
            refund,
            by=dialogs.person(request),
            reason=entries["reason"],
            authenticated_at=recent.proof_of(request).at,
        )
        refund_words.tell(request, [done])
        return _url(refund)

    effect = Effect(
        lines=_lines(refund),
        total=(f"Goes back {refund_words.HOW[RefundRoute(refund.route)]}", _total(refund)),
        notes=("Your name stays on the record.",),
        button=f"Approve {_total(refund)}",
        shown=f"{refund.pk}:{refund.total_minor}",
    )
    return _dialog(refund, title="Approve this refund", form=ApproveForm, effect=effect, act=act)


def _decline(request: HttpRequest, refund: Refund) -> Dialog:
    own = refund.requested_by_id == request.user.pk

    def act(entries: Mapping[str, Any]) -> str:
        refunds.decline(refund, by=dialogs.person(request), reason=entries["reason"])
        messages.success(request, f"The refund of {_total(refund)} does not happen. Nothing was sent.")
        return _url(refund)

    effect = Effect(
        lines=_lines(refund),
        total=("Stays here", _total(refund)),
        notes=(
            "You asked for it yourself: it is withdrawn."
            if own
            else "Who asked for it is told, with the reason.",
        ),
        button="Withdraw it" if own else "Decline",
        shown=f"{refund.pk}",
    )
    title = "Withdraw this request" if own else "Decline this refund"
    return _dialog(refund, title=title, form=dialogs.ReasonForm, effect=effect, act=act)


def _sent(request: HttpRequest, refund: Refund) -> Dialog:
    def act(entries: Mapping[str, Any]) -> str:
        done = refunds.record_sent(
            refund, by=dialogs.person(request), reference=entries["reference"], sent_on=entries["sent_on"]
        )
        refund_words.tell(request, [done])
        return _url(refund)

    merchant = Merchant.objects.get(pk=refund.payment.merchant_id)
    effect = Effect(
        lines=(("To", recipient(refund)), ("By", refund.payment.get_method_display())),
        total=("Sent", _total(refund)),
        notes=("The customer is told now that it was sent.",),
        button=f"{_total(refund)} was sent",
        shown=f"{refund.pk}",
    )
    return _dialog(
        refund,
        title="I have sent it",
        form=SentForm,
        effect=effect,
        act=act,
        initial={"sent_on": clock.today(merchant.timezone)},
    )


def _withdraw(request: HttpRequest, refund: Refund) -> Dialog:
    def act(entries: Mapping[str, Any]) -> str:
        refunds.withdraw(refund, by=dialogs.person(request), reason=entries["reason"])
        messages.success(request, f"{_total(refund)} is not sent: {stays}, and the desk asks what to do.")
        return _url(refund)

    stays = "it stays as it was" if refund.from_credit_minor else "it counts as paid again"
    effect = Effect(
        lines=(("To", recipient(refund)),),
        total=(
            "Stays here, as it was" if refund.from_credit_minor else "Stays here, and counts as paid",
            _total(refund),
        ),
        button="Do not send it",
        shown=f"{refund.pk}",
    )
    return _dialog(refund, title="Do not send it after all", form=dialogs.ReasonForm, effect=effect, act=act)


def _dialog(
    refund: Refund, *, title: str, form: Any, effect: Effect, act: Any, initial: Any = None
) -> Dialog:
    return Dialog(
        title=title,
        intro=_intro(refund),
        form=form,
        look=lambda entries: effect,
        act=act,
        back=_url(refund),
        initial=initial or {},
    )
