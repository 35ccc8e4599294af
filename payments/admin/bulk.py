"""Cancelling a whole day in the console: preview, request, approval by another, progress, what failed and why."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.enums import ActionVariant

from core.money import format_minor
from customers import access
from customers.authentication import recent
from customers.console import (
    DetailAdmin,
    Figure,
    MerchantFilter,
    Panel,
    ReadOnlyAdmin,
    amount,
    badge,
    link,
    moment,
    stamp,
)
from payments import bulk
from payments.admin import bulk_request, dialogs
from payments.admin.dialogs import Dialog, DialogForm, Effect
from payments.errors import NotPossible
from payments.models import BulkCancellation, BulkItemState, BulkState

TONES = {
    BulkState.REQUESTED: "warn",
    BulkState.RUNNING: "warn",
    BulkState.DONE: "good",
    BulkState.DECLINED: "plain",
}
ITEM_TONES = {BulkItemState.DONE: "good", BulkItemState.FAILED: "bad", BulkItemState.WAITING: "warn"}


@admin.register(BulkCancellation)
class BulkCancellationAdmin(DetailAdmin, ReadOnlyAdmin):
    list_display = ("day", "state_shown", "terms", "bookings", "refund", "reason", "asked")
    list_filter = ("state", MerchantFilter)
    list_select_related = ("merchant", "requested_by", "decided_by")
    ordering = ("-id",)
    actions_list = ("cancel_day",)
    actions_detail = ("approve", "decline", "retry")
    change_form_outer_before_template = "admin/payments/bulkcancellation/progress.html"
    change_form_outer_after_template = ""
    readonly_fields = ("reason", "asked", "decided", "finished")
    fieldsets = ((None, {"fields": ("reason", ("asked", "decided"), "finished")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkCancellation]:
        rows: QuerySet[BulkCancellation] = super().get_queryset(request)
        counts = {
            f"n_{state}": Count("items", filter=Q(items__state=state)) for state in BulkItemState.values
        }
        return rows.select_related(*self.list_select_related).annotate(n_all=Count("items"), **counts)

    # Permissions and actions ---------------------------------------------------------------------

    def has_cancel_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.CANCEL)

    def has_approve_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, obj, permission=access.APPROVE)

    @action(
        description="Cancel a day", icon="thunderstorm", permissions=["cancel"], variant=ActionVariant.PRIMARY
    )
    def cancel_day(self, request: HttpRequest) -> HttpResponse:
        return bulk_request.view(request, console=self)

    @action(
        description="Approve", icon="check_circle", permissions=["approve"], variant=ActionVariant.PRIMARY
    )
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.APPROVE)
        return self._answer(request, row, "approve", _decide(request, row, agreed=True))

    @action(description="Decline", icon="block", permissions=["approve"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.APPROVE)
        return self._answer(request, row, "decline", _decide(request, row, agreed=False))

    @action(description="Try the failed again", icon="refresh", permissions=["cancel"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.CANCEL)
        return self._answer(request, row, "retry", _retry(request, row))

    approve.dialog = {"title": "Approve", "description": ""}
    decline.dialog = {"title": "Decline", "description": ""}
    retry.dialog = {"title": "Try again", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button where it makes no sense; who asked for it is not offered to approve it."""
        row = self.get_object(request, str(object_id))
        sensible = _offered(row, user_id=request.user.pk) if row else set()
        found: list[Any] = super().get_actions_detail(request, object_id)
        shown = [one for one in found if one.action_name.rpartition("_")[2] in sensible]
        return dialogs.own_withdraws(shown) if row and row.requested_by_id == request.user.pk else shown

    def _answer(self, request: HttpRequest, row: BulkCancellation, name: str, dialog: Dialog) -> HttpResponse:
        possible = name in _offered(row, user_id=request.user.pk)
        is_own = row.state == BulkState.REQUESTED and name == "approve"
        words = (
            "Somebody else has to agree: you asked for it."
            if is_own
            else f"This is {row.get_state_display().lower()}, and nothing of it can be decided or tried now."
        )
        shown = dialogs.only_if(possible, dialog, refusal=NotPossible(words))
        return dialogs.answer(request, shown, console=self)

    def _may(self, request: HttpRequest, obj: object, *, permission: str) -> bool:
        if obj is None:
            return access.may(request.user, permission=permission)
        row = obj if isinstance(obj, BulkCancellation) else self.get_object(request, str(obj))
        return row is not None and access.may(
            request.user, permission=permission, merchant_id=row.merchant_id
        )

    def _mine(self, request: HttpRequest, object_id: str, *, permission: str) -> BulkCancellation:
        row: BulkCancellation | None = self.get_object(request, object_id)
        if row is None or not self._may(request, row, permission=permission):
            raise Http404
        return row

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: BulkCancellation) -> SafeString:
        return badge(row.get_state_display(), tone=TONES[BulkState(row.state)])

    @admin.display(description="Bookings")
    def bookings(self, row: Any) -> str:
        failed = f", {row.n_failed} failed" if row.n_failed else ""
        return f"{row.n_done + row.n_skipped} of {row.n_all}{failed}"

    @admin.display(description="Goes back", ordering="refund_minor")
    def refund(self, row: BulkCancellation) -> SafeString | str:
        return amount(row.refund_minor, currency=row.merchant.currency, locale=row.merchant.locale)

    @admin.display(description="Asked for by")
    def asked(self, row: BulkCancellation) -> str:
        return f"{row.requested_by.get_username()}, {stamp(row.created_at)}"

    @admin.display(description="Decided by")
    def decided(self, row: BulkCancellation) -> str:
        if row.decided_by is None:
            waits = row.state == BulkState.REQUESTED
            return "Waits for a second person" if waits else "Needed no second person"
        return f"{row.decided_by.get_username()}, {stamp(row.decided_at)}"

    @admin.display(description="Finished")
    def finished(self, row: BulkCancellation) -> str:
        return stamp(row.finished_at)

    # The page ------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row = more.get("obj") or (args[3] if len(args) > 3 else None)
        if row is not None:
            ended = row.n_all - row.n_waiting
            context["is_running"] = row.state == BulkState.RUNNING
            context["ended"], context["all"] = ended, row.n_all
        return super().render_change_form(request, context, *args, **more)

    def figures(self, request: HttpRequest, row: Any) -> list[Figure]:
        return [
            Figure(
                f"{row.day:%a} {row.day.day} {row.day:%b %Y}",
                self.state_shown(row),
                note=row.get_terms_display(),
            ),
            Figure(
                "Goes back in all",
                self.refund(row),
                note=f"{row.n_all} booking{'' if row.n_all == 1 else 's'}",
            ),
            Figure("Cancelled", row.n_done, tone="good" if row.n_done else ""),
            Figure("Failed", row.n_failed, tone="bad" if row.n_failed else ""),
        ]

    def panels(self, request: HttpRequest, row: BulkCancellation) -> list[Panel]:
        items = row.items.select_related("booking")
        # What failed stands first: it is what a person has to look at.
        order = {BulkItemState.FAILED: 0, BulkItemState.WAITING: 1}
        shown = sorted(items, key=lambda item: (order.get(BulkItemState(item.state), 2), item.pk))
        return [
            Panel(
                title="Bookings",
                columns=("Booking", "Event", "Who", "State", "What of it", "Goes back"),
                rows=[
                    (
                        link(item.booking),
                        moment(item.booking.starts_at, zone=item.booking.timezone),
                        item.booking.contact_name,
                        badge(
                            item.get_state_display(), tone=ITEM_TONES.get(BulkItemState(item.state), "plain")
                        ),
                        item.why,
                        amount(item.refund_minor, currency=item.booking.currency, locale=row.merchant.locale),
                    )
                    for item in shown
                ],
                numeric=frozenset({5}),
            )
        ]


def _offered(row: Any, *, user_id: int | None) -> set[str]:
    if row.state == BulkState.REQUESTED:
        return {"decline"} if row.requested_by_id == user_id else {"approve", "decline"}
    return {"retry"} if row.n_failed and row.state in (BulkState.RUNNING, BulkState.DONE) else set()


def _url(row: BulkCancellation) -> str:
    return reverse("admin:payments_bulkcancellation_change", args=[row.pk])


def _intro(row: BulkCancellation) -> object:
    return format_html(
        "All bookings of {}. Asked for by {}: {}",
        f"{row.day:%a} {row.day.day} {row.day:%b %Y}",
        row.requested_by.get_username(),
        row.reason,
    )


def _decide(request: HttpRequest, row: Any, *, agreed: bool) -> Dialog:
    def act(entries: Mapping[str, Any]) -> str:
        bulk.decide(
            row, by=dialogs.person(request), agreed=agreed, authenticated_at=recent.proof_of(request).at
        )
        if agreed:
            messages.info(request, bulk_request.RUNNING)
        else:
            messages.success(request, "Declined. Nothing was cancelled.")
        return _url(row)

    money = format_minor(row.refund_minor, row.merchant.currency)
    effect = Effect(
        lines=(("Bookings", row.n_all), ("Terms", row.get_terms_display())),
        total=("Goes back in all" if agreed else "Stays here", money),
        notes=("It is agreed to once, as a whole; every customer is told.",) if agreed else (),
        button=f"Cancel {row.n_all} booking{'' if row.n_all == 1 else 's'}" if agreed else "Decline",
        shown=f"{row.pk}:{row.refund_minor}",
    )
    title = "Approve cancelling the day" if agreed else "Decline cancelling the day"
    return _dialog(row, title=title, effect=effect, act=act)


def _retry(request: HttpRequest, row: Any) -> Dialog:
    def act(entries: Mapping[str, Any]) -> str:
        again = bulk.retry(row, by=dialogs.person(request))
        messages.info(request, f"{again} booking{'' if again == 1 else 's'} tried again.")
        return _url(row)

    effect = Effect(
        lines=(("Failed", row.n_failed),),
        notes=(
            "At the figures that were previewed; one whose figures changed is cancelled on its own page.",
        ),
        button="Try again",
        shown=f"{row.pk}",
    )
    return _dialog(row, title="Try the failed ones again", effect=effect, act=act)


def _dialog(row: BulkCancellation, *, title: str, effect: Effect, act: Any) -> Dialog:
    return Dialog(
        title=title, intro=_intro(row), form=DialogForm, look=lambda entries: effect, act=act, back=_url(row)
    )
