"""A merchant's account at Stripe, and where its keys are changed. Secrets are written here and never shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from core.errors import DomainError
from customers import access
from customers.authentication import recent
from customers.console import DetailAdmin, ReadOnlyAdmin, badge, stamp
from payments import keys
from payments.models import GatewayAccount, WebhookEndpoint


class KeysForm(forms.Form):
    """What is left empty stays as it is."""

    publishable_key = forms.CharField(
        required=False, max_length=255, help_text="pk_…", widget=UnfoldAdminTextInputWidget
    )
    secret_key = forms.CharField(
        required=False,
        max_length=255,
        help_text="sk_… or rk_…: tried at Stripe before it is stored, encrypted, and never shown again.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
    )
    webhook_secret = forms.CharField(
        required=False,
        max_length=255,
        label="Signing secret of the webhook",
        help_text="whsec_…: the one before it stays good until the next is stored.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
    )


@admin.register(GatewayAccount)
class GatewayAccountAdmin(DetailAdmin, ReadOnlyAdmin):
    list_display = ("merchant", "mode", "account_shown", "keys_shown")
    list_select_related = ("merchant",)
    ordering = ("merchant__name",)
    search_fields = ("merchant__name",)
    actions_detail = ("keys",)
    readonly_fields = (
        "merchant",
        "mode",
        "account_shown",
        "keys_shown",
        "endpoint_shown",
        "secrets_shown",
        "heard",
    )
    fieldsets = (
        (None, {"fields": (("merchant", "mode"), ("account_shown", "keys_shown"))}),
        ("Webhook", {"fields": ("endpoint_shown", ("secrets_shown", "heard"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[GatewayAccount]:
        rows: QuerySet[GatewayAccount] = super().get_queryset(request)
        return rows.annotate(last_event=Max("endpoints__events__received_at"))

    # Changing keys ---------------------------------------------------------------------------------

    def has_keys_permission(self, request: HttpRequest, obj: object = None) -> bool:
        row = self.get_object(request, str(obj)) if isinstance(obj, int | str) else obj
        merchant_id = row.merchant_id if isinstance(row, GatewayAccount) else None
        return access.may(request.user, permission=access.CHANGE_KEYS, merchant_id=merchant_id)

    @action(description="Change keys", icon="key", permissions=["keys"])
    def keys(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        if account is None or not self.has_keys_permission(request, account):
            raise PermissionDenied
        if not recent.recently_authenticated(request):
            # Never by the way that keeps what was typed: these are secrets.
            return (
                recent.lead_to_proof(request)
                if request.method == "GET"
                else HttpResponseRedirect(request.path)
            )
        form = KeysForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._change(account, form):
            messages.success(request, "The keys were changed. What is in use now stands below.")
            return HttpResponseRedirect(reverse("admin:payments_gatewayaccount_change", args=[account.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Change keys",
            "opts": self.opts,
            "account": account,
            "form": form,
        }
        return TemplateResponse(request, "admin/payments/gatewayaccount/keys.html", context)

    def _change(self, account: GatewayAccount, form: KeysForm) -> bool:
        try:
            keys.change(account, **{name: value.strip() for name, value in form.cleaned_data.items()})
        except keys.KeysRefused as refusal:
            for name, why in refusal.fields.items():
                form.add_error(name, why)
            return False
        except DomainError as refusal:  # Stripe does not answer
            form.add_error(None, refusal.for_staff)
            return False
        return True

    # Fields ----------------------------------------------------------------------------------------

    @admin.display(description="Mode")
    def mode(self, row: GatewayAccount) -> SafeString:
        return badge("Live", tone="good") if row.livemode else badge("Test", tone="warn")

    @admin.display(description="Account at Stripe")
    def account_shown(self, row: GatewayAccount) -> SafeString | str:
        if row.foreign_account_id:
            return badge(
                f"The key belongs to {row.foreign_account_id}, the books to {row.stripe_account_id}",
                tone="bad",
            )
        return row.stripe_account_id or "not known yet"

    @admin.display(description="Keys")
    def keys_shown(self, row: GatewayAccount) -> SafeString | str:
        if row.secret_key:
            return "its own, stored encrypted"
        return (
            "the installation's" if row.merchant.is_default else badge("none: no cards are taken", tone="bad")
        )

    @admin.display(description="Address for Stripe")
    def endpoint_shown(self, row: GatewayAccount) -> str:
        endpoint = self._endpoint(row)
        if endpoint is None:
            return "none"
        return "/api/stripe/webhook" + ("" if endpoint.is_default else f"/{row.merchant.slug}")

    @admin.display(description="Signing secrets")
    def secrets_shown(self, row: GatewayAccount) -> SafeString | str:
        endpoint = self._endpoint(row)
        own = len(endpoint.secrets.split()) if endpoint else 0
        if own:
            return f"{own} of its own"
        return (
            "the installation's"
            if row.merchant.is_default
            else badge("none: no event is believed", tone="bad")
        )

    @admin.display(description="Last event")
    def heard(self, row: Any) -> str:
        return stamp(row.last_event)

    def _endpoint(self, row: GatewayAccount) -> WebhookEndpoint | None:
        return row.endpoints.order_by("pk").first()
