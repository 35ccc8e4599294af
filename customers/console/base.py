"""Staff pages: every one is scoped to the merchants of the user's Memberships, money is only ever looked at.

Invariants: the queryset of a ScopedAdmin holds no row of a merchant at which the user may not view it, so lists, pages,
histories, autocompletes and foreign-key choices cannot show one; permissions are asked of `access.may` with the row's
merchant, so a superuser without Membership gets nothing and a viewer at one merchant who owns another changes only
the latter's rows. No bulk deletion anywhere.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import ForeignKey, Model, QuerySet
from django.forms.models import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from customers import access
from customers.console.paging import CappedPaginator
from customers.console.shown import Figure, Panel
from customers.models import Merchant


class ScopedAdmin(ModelAdmin):
    """`merchant_path` leads from the row to its merchant ("payment__merchant"; "pk" for the merchant itself)."""

    merchant_path = "merchant"
    list_per_page = 50
    list_filter_submit = False
    show_full_result_count = False
    paginator = CappedPaginator
    warn_unsaved_form = True
    actions: Sequence[Any] = ()

    def permission(self, action: str) -> str:
        return f"{self.opts.app_label}.{action}_{self.opts.model_name}"

    def allowed(self, request: HttpRequest, action: str, row: Model | str | None = None) -> bool:
        merchant_id = (
            access.merchant_of(row, path=self.merchant_path) if isinstance(row, Model) and row.pk else None
        )
        return access.may(request.user, permission=self.permission(action), merchant_id=merchant_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return access.scope(
            rows, user=request.user, permission=self.permission("view"), path=self.merchant_path
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allowed(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.allowed(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allowed(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allowed(request, "delete", obj)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Django leads to the start page and says so; here another merchant's row is not there, as in the API."""
        raise Http404

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Only rows that this person may use: merchants where the role lets them write, else what they may see."""
        if db_field.remote_field.model is Merchant:
            ids = [
                merchant.pk
                for action in ("add", "change")
                for merchant in access.merchants_where(request.user, permission=self.permission(action))
            ]
            kwargs["queryset"] = Merchant.objects.filter(pk__in=ids)
        else:
            remote = self.admin_site._registry.get(db_field.remote_field.model)
            manager = db_field.remote_field.model._default_manager
            kwargs["queryset"] = remote.get_queryset(request) if remote else manager.none()
        field: ModelChoiceField | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field


class ReadOnlyAdmin(ScopedAdmin):
    """For money, events, logs: looked at, never added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DetailAdmin(ScopedAdmin):
    """A page that opens with figures and ends with tables of what belongs to the row."""

    change_form_outer_before_template = "admin/tableside/figures.html"
    change_form_outer_after_template = "admin/tableside/panels.html"

    def figures(self, request: HttpRequest, row: Any) -> Sequence[Figure]:
        return ()

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return ()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["figures"] = self.figures(request, obj)
            context["panels"] = self.panels(request, obj)
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response
