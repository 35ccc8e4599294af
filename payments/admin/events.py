"""Stripe's events as they came: what became of each, how often it was delivered and tried.

"Handle again" makes failed events, and those given up, due at once; by POST alone.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action

from customers import access
from customers.console import MerchantFilter, ReadOnlyAdmin, pretty_json, stamp
from payments import inbox
from payments.admin.filters import EventTroubleFilter
from payments.admin.tones import state_badge
from payments.models import EventState, WebhookEvent

TROUBLED = (EventState.FAILED, EventState.DEAD)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    merchant_path = "endpoint__gateway_account__merchant"
    list_display = ("received", "type", "state_shown", "outcome_shown", "deliveries", "attempts", "event_id")
    list_filter = ("state", EventTroubleFilter, "livemode", MerchantFilter)
    list_select_related = ("endpoint__gateway_account__merchant",)
    search_fields = ("stripe_event_id", "type")
    search_help_text = "Event id, object's id (pi_…, ch_…), type"
    ordering = ("-id",)
    actions = ("handle_again",)
    actions_detail = ("handle_this_again",)
    readonly_fields = (
        "event_id",
        "state_shown",
        "received",
        "made",
        "due",
        "handled",
        "endpoint_shown",
        "payload_shown",
    )
    fieldsets = (
        (None, {"fields": (("type", "event_id"), ("state_shown", "outcome"), "last_error")}),
        ("Course", {"fields": (("made", "received"), ("due", "handled"), ("deliveries", "attempts"))}),
        ("From", {"fields": (("endpoint_shown", "api_version"), ("account", "livemode"))}),
        ("Payload", {"fields": ("payload_shown",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        rows: QuerySet[WebhookEvent] = super().get_queryset(request)
        secret = ("endpoint__secrets", "endpoint__gateway_account__secret_key")
        rows = rows.select_related(*self.list_select_related).defer(*secret)
        is_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith(
            "_changelist"
        )
        return rows.defer(*secret, "payload", "last_error") if is_list else rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.startswith("evt_"):
            return queryset.filter(stripe_event_id=term), False
        if "_" in term and "." not in term and any(letter.isdigit() for letter in term):
            return queryset.filter(payload__data__object__id=term), False
        return queryset.filter(type__startswith=term), False

    # Handle again ---------------------------------------------------------------------------------

    def has_handle_permission(self, request: HttpRequest, obj: object = None) -> bool:
        row = (
            self.get_object(request, str(obj))
            if obj is not None and not isinstance(obj, WebhookEvent)
            else obj
        )
        if obj is not None and row is None:
            return False
        merchant_id = (
            access.merchant_of(row, path=self.merchant_path) if isinstance(row, WebhookEvent) else None
        )
        return access.may(request.user, permission=access.HANDLE_EVENTS, merchant_id=merchant_id)

    def _replay(self, request: HttpRequest, rows: QuerySet[WebhookEvent]) -> None:
        mine = access.scope(
            rows, user=request.user, permission=access.HANDLE_EVENTS, path=self.merchant_path
        ).filter(state__in=TROUBLED)
        count = inbox.replay(event_ids=list(mine.values_list("pk", flat=True)))
        if count:
            messages.success(request, f"{count} {'event is' if count == 1 else 'events are'} due again.")
        else:
            messages.info(request, "Nothing to do: only failed events and those given up are handled again.")

    @admin.action(description="Handle again (failed or given up)", permissions=["handle"])
    def handle_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        self._replay(request, queryset)

    @action(description="Handle again", icon="replay", permissions=["handle"])
    def handle_this_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_handle_permission(request, row):
            raise PermissionDenied
        if request.method == "POST":
            self._replay(request, WebhookEvent.objects.filter(pk=row.pk))
            return HttpResponseRedirect(reverse("admin:payments_webhookevent_change", args=[row.pk]))
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET", "POST"])
        context = {
            **self.admin_site.each_context(request),
            "title": "Handle again",
            "opts": self.opts,
            "event": row,
        }
        return TemplateResponse(request, "admin/payments/webhookevent/handle_again.html", context)

    # unfold's link opens this address as a dialog; the work is done by POST alone.
    handle_this_again.dialog = {"title": "Handle again", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        row = self.get_object(request, str(object_id))
        if row is None or row.state not in TROUBLED:
            return []
        found: list[Any] = super().get_actions_detail(request, object_id)
        return found

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="Received", ordering="id")
    def received(self, row: WebhookEvent) -> str:
        return stamp(row.received_at)

    @admin.display(description="Made by Stripe")
    def made(self, row: WebhookEvent) -> str:
        return stamp(row.stripe_created)

    @admin.display(description="Due")
    def due(self, row: WebhookEvent) -> str:
        return stamp(row.due_at) if row.state in (EventState.PENDING, EventState.FAILED) else "–"

    @admin.display(description="Handled")
    def handled(self, row: WebhookEvent) -> str:
        return stamp(row.handled_at)

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: WebhookEvent) -> SafeString:
        return state_badge(row)

    @admin.display(description="Led to")
    def outcome_shown(self, row: WebhookEvent) -> str:
        return row.outcome or "–"

    @admin.display(description="Event id")
    def event_id(self, row: WebhookEvent) -> SafeString:
        return format_html('<span class="ts-code">{}</span>', row.stripe_event_id)

    @admin.display(description="Endpoint")
    def endpoint_shown(self, row: WebhookEvent) -> str:
        return str(row.endpoint)

    @admin.display(description="As Stripe sent it")
    def payload_shown(self, row: WebhookEvent) -> SafeString:
        return pretty_json(row.payload)
