"""dj-stripe's rows under our own pages: read-only, without actions, without keys.

The one module beside payments/mirror.py that knows dj-stripe. As shipped, its admin prints the secret key to
view-only staff, lets any staff act on Stripe, and fails on several pages; so every model is registered anew. Pages are
built from the stored columns and payload, never from dj-stripe's properties, which ask Stripe or the key table. Rows
belong to whoever owns the Stripe account; models that hold keys, secrets or raw requests are not shown at all.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from djstripe import models as djstripe_models

from customers import access
from customers.console import ReadOnlyAdmin, amount, moment, pretty_json
from customers.console.shown import redacted
from payments.models import GatewayAccount

PERMISSION = "djstripe.view"
SECRET = (
    djstripe_models.APIKey,
    djstripe_models.WebhookEndpoint,
    djstripe_models.WebhookEventTrigger,
    djstripe_models.IdempotencyKey,
)
HIDDEN_FIELDS = frozenset({"stripe_data", "djstripe_id", "djstripe_created", "metadata"})


class MirrorAdmin(ReadOnlyAdmin):
    """What Stripe said about one kind of object, as of the last event."""

    list_display = ("id", "state", "sum", "made", "livemode")
    list_display_links = ("id",)
    search_fields = ("=id",)
    ordering = ("-djstripe_id",)
    owner_path: ClassVar[str] = "djstripe_owner_account_id"

    def allowed(self, request: HttpRequest, action: str, row: object = None) -> bool:
        return action == "view" and access.may(request.user, permission=PERMISSION)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        accounts = access.scope(
            GatewayAccount.objects.exclude(stripe_account_id=""), user=request.user, permission=PERMISSION
        )
        owners = list(accounts.values_list("stripe_account_id", flat=True))
        return self.model._default_manager.filter(**{f"{self.owner_path}__in": owners}).order_by(
            "-djstripe_id"
        )

    @admin.display(description="State")
    def state(self, row: Any) -> str:
        return str(row.stripe_data.get("status") or row.stripe_data.get("type") or "–")

    @admin.display(description="Amount")
    def sum(self, row: Any) -> SafeString | str:
        """The payload's integer: dj-stripe's decimal columns divide yen by a hundred."""
        data = row.stripe_data
        minor = next(
            (data[name] for name in ("amount", "amount_total", "total") if _is_int(data.get(name))), None
        )
        currency = data.get("currency")
        if minor is None or not isinstance(currency, str):
            return "–"
        return amount(minor, currency=currency)

    @admin.display(description="Made", ordering="created")
    def made(self, row: Any) -> str:
        return moment(row.created)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if object_id else None
        if row is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.id,
            "facts": _facts(row),
            "payload": pretty_json(row.stripe_data),
        }
        return TemplateResponse(request, "admin/tableside/mirror.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404  # nobody changes these rows here


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _facts(row: Model) -> list[tuple[str, object]]:
    """The stored columns, by name; foreign keys as the ids they hold, so that nothing is fetched."""
    found: list[tuple[str, object]] = []
    for column in row._meta.concrete_fields:
        assert isinstance(column, Field)
        if column.name in HIDDEN_FIELDS:
            continue
        value = getattr(row, column.attname)
        shown = moment(value) if hasattr(value, "astimezone") else redacted(value)
        found.append((str(column.verbose_name), "–" if shown in (None, "") else shown))
    return found


class AccountMirrorAdmin(MirrorAdmin):
    owner_path = "id"


def register() -> None:
    """Every model of dj-stripe that its own admin registered, except those that hold secrets."""
    for model in [model for model in admin.site._registry if model._meta.app_label == "djstripe"]:
        admin.site.unregister(model)
        if model in SECRET:
            continue
        is_account = model in (djstripe_models.Account, djstripe_models.AccountV2)
        admin.site.register(model, AccountMirrorAdmin if is_account else MirrorAdmin)


register()
