"""Staff pages of the legal texts: every version to read, a new one to publish. No version is ever changed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from bookings import legal, page_legal
from bookings.models import LegalKind, LegalText
from customers import access, merchants
from customers.console import MerchantFilter, ScopedAdmin, ScopedForm, badge, moment
from customers.console.people import people
from customers.models import Merchant

VIEW = "bookings.view_legaltext"
ADD = "bookings.add_legaltext"
MARKUP = (
    "An empty line begins a paragraph, “## ” a heading, “- ” a line of a list; **words** are strong; "
    "[words](/refunds-policy) lead to a page of yours. Leave it empty to use the text made from your settings."
)


class LegalTextForm(ScopedForm):
    body = forms.CharField(
        label="Text", required=False, help_text=MARKUP, widget=UnfoldAdminTextareaWidget(attrs={"rows": 28})
    )

    class Meta:
        model = LegalText
        fields: list[str] = []
        widgets = {"kind": forms.HiddenInput}


def _kind(request: HttpRequest) -> LegalKind:
    """Which text is being written: the address says it, then the form."""
    named = request.POST.get("kind") or request.GET.get("kind")
    return LegalKind(named) if named in LegalKind.values else LegalKind.TERMS


@admin.register(LegalText)
class LegalTextAdmin(ScopedAdmin):
    form = LegalTextForm
    list_display = ("text", "version", "standing", "published", "author")
    list_display_links = ("text",)
    list_filter = ("kind", MerchantFilter)
    list_select_related = ("merchant",)
    ordering = ("-id",)
    readonly_fields = ("text", "version", "published", "author", "page", "following", "words")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            fields: list[Any] = ["merchant", "kind", "body"]
            return [(f"{_kind(request).label}: the next version", {"fields": fields})]
        fields = [("text", "version"), ("published", "author"), ("page", "following"), "words"]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The text in force, to be changed."""
        kind = _kind(request)
        mine = access.merchants_where(request.user, permission=ADD)
        merchant: Merchant | None = next(iter(mine), None)
        body = legal.current(merchant)[kind].body if merchant else ""
        return {"merchant": merchant, "kind": kind.value, "body": body}

    def save_model(self, request: HttpRequest, obj: LegalText, form: Any, change: bool) -> None:
        """The use case gives the number; an unchanged text stays the version that it is."""
        stored = legal.publish(
            merchant=obj.merchant,
            kind=LegalKind(obj.kind),
            body=form.cleaned_data["body"],
            actor=f"user:{request.user.pk}",
        )
        obj.__dict__.update(stored.__dict__)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the settings make is there before the first customer asks for it."""
        for merchant in access.merchants_where(request.user, permission=VIEW):
            legal.current(merchant)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="Text", ordering="kind")
    def text(self, row: LegalText) -> str:
        return str(row.get_kind_display())

    @admin.display(description="Made")
    def standing(self, row: LegalText) -> SafeString:
        return badge("From settings") if row.is_generated else badge("By staff", tone="accent")

    @admin.display(description="Since", ordering="id")
    def published(self, row: LegalText) -> str:
        return moment(row.created_at, zone=row.merchant.timezone)

    @admin.display(description="Published by")
    def author(self, row: LegalText) -> str:
        return "Your settings" if row.is_generated else people([row.actor])[row.actor]

    @admin.display(description="Page")
    def page(self, row: LegalText) -> SafeString:
        path = page_legal.href(LegalKind(row.kind), row.version)
        address = f"{merchants.site_url(row.merchant)}{path}"
        return format_html('<a class="ts-link" href="{}">{}</a>', address, address)

    @admin.display(description="To change it")
    def following(self, row: LegalText) -> SafeString:
        address = f"{reverse('admin:bookings_legaltext_add')}?kind={row.kind}"
        return format_html('<a class="ts-link" href="{}">Write the next version</a>', address)

    @admin.display(description="What it says")
    def words(self, row: LegalText) -> SafeString:
        return format_html('<div class="ts-prose">{}</div>', legal.as_html(row.body))
