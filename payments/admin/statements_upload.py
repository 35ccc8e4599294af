"""Bring a statement: choose the file, say which column is what, look at what would happen, import. One address.

POST with a file puts it on the shelf and shows the preview; POST with the shelf's token shows it anew for other
columns; POST with "_import" and exactly the columns that were shown imports.
"""

import hashlib
import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from core.errors import DomainError
from customers import access
from customers.models import Merchant
from payments import statements
from payments.admin.statements_lines import Row
from payments.models import MANUAL_METHODS
from payments.statements import Columns, Look, LookRow, Standing, Table

MOST_SHOWN = 200


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Statement as CSV",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.txt,.tsv,text/csv", "autofocus": True}),
        error_messages={"required": "Choose the file.", "empty": "The file is empty."},
    )
    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), label="Whose account", empty_label=None, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, merchants: list[Merchant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["merchant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Merchant.objects.filter(pk__in=[merchant.pk for merchant in merchants])
        if len(merchants) == 1:
            del self.fields["merchant"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > statements.MOST_BYTES:
            raise forms.ValidationError("The file is larger than 5 MB. Export a shorter period.")
        return file


class ColumnsForm(forms.Form):
    """Columns by number, what is asked about them, and the account's name."""

    account = forms.CharField(
        label="Account", max_length=80, required=False, widget=UnfoldAdminTextInputWidget,
        help_text="As you call it. Lines of two accounts are kept apart by it.",
    )  # fmt: skip
    method = forms.ChoiceField(
        label="Lines are usually",
        choices=[(method.value, method.label) for method in MANUAL_METHODS],
        widget=UnfoldAdminSelectWidget,
        help_text="Unless the text of a line says otherwise.",
    )
    order = forms.ChoiceField(
        label="Days", required=False, choices=[("", "Say which"), *statements.ORDERS.items()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    decimal = forms.ChoiceField(
        label="Amounts", required=False, choices=[("", "Say which"), *statements.DECIMALS.items()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    flipped = forms.BooleanField(label="Money in is negative", required=False, widget=UnfoldBooleanWidget)
    fee_within = forms.BooleanField(
        label="The amount is after the fee", required=False, widget=UnfoldBooleanWidget
    )

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = table.rows[0].cells if table.rows else ()
        choices = [("", "–")]
        for place, title in enumerate(table.header):
            example = first[place] if place < len(first) else ""
            choices.append((str(place), f"{title} ({example[:24]})" if example else title))
        for name in statements.PLACES:
            self.fields[name] = forms.TypedChoiceField(
                label=statements.LABELS[name], choices=choices, coerce=int, empty_value=None, required=False,
                widget=UnfoldAdminSelectWidget,
            )  # fmt: skip

    @property
    def places(self) -> list[forms.BoundField]:
        return [self[name] for name in statements.PLACES]

    @property
    def manners(self) -> list[forms.BoundField]:
        return [self[name] for name in ("method", "order", "decimal")]

    def columns(self) -> Columns:
        return statements.from_json(self.cleaned_data)


def view(request: HttpRequest, *, console: Any) -> HttpResponse:
    """The caller has checked that the person may import somewhere."""
    merchants = access.merchants_where(request.user, permission=access.IMPORT_STATEMENT)
    if request.method == "POST" and request.POST.get("token"):
        return _of_token(request, console=console, merchants=merchants)
    form = UploadForm(
        request.POST if request.method == "POST" else None, request.FILES or None, merchants=merchants
    )
    if request.method == "POST" and form.is_valid():
        merchant = form.cleaned_data.get("merchant") or merchants[0]
        file = form.cleaned_data["file"]
        data = file.read()
        try:
            table = statements.read(data)
        except DomainError as refusal:
            form.add_error("file", refusal.for_staff)
        else:
            assert request.user.pk is not None
            token = statements.keep(data, merchant=merchant, file_name=file.name, by_id=request.user.pk)
            return _first_look(
                request, console=console, merchant=merchant, table=table, token=token, name=file.name
            )
    return _page(request, console, "upload", form=form, title="Import a statement")


def _first_look(
    request: HttpRequest, *, console: Any, merchant: Merchant, table: Table, token: str, name: str
) -> HttpResponse:
    """With the columns remembered for this header, else the likeliest."""
    before = statements.remembered(merchant, table)
    columns = statements.from_json(before.columns) if before else statements.guess(table)
    account = before.name if before else ""
    form = ColumnsForm(initial={**columns.as_json(), "account": account}, table=table)
    return _look(
        request, console=console, merchant=merchant, table=table, columns=columns, account=account,
        form=form, token=token, name=name, is_remembered=before is not None,
    )  # fmt: skip


def _of_token(request: HttpRequest, *, console: Any, merchants: list[Merchant]) -> HttpResponse:
    token = request.POST["token"]
    assert request.user.pk is not None
    try:
        data, merchant_id, name = statements.taken(token, by_id=request.user.pk)
        merchant = next((one for one in merchants if one.pk == merchant_id), None)
        if merchant is None:
            raise statements.FileGone()
        table = statements.read(data)
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
        return HttpResponseRedirect(request.path)
    form = ColumnsForm(request.POST, table=table)
    if not form.is_valid():
        messages.error(request, "Choose among what is offered.")
        return HttpResponseRedirect(request.path)
    columns, account = form.columns(), form.cleaned_data["account"]
    is_shown = request.POST.get("shown") == _shown(columns)
    if "_import" in request.POST and is_shown and not statements.questions(columns, table):
        return _import(
            request, merchant=merchant, table=table, columns=columns, account=account, token=token,
            name=name, data=data,
        )  # fmt: skip
    return _look(
        request, console=console, merchant=merchant, table=table, columns=columns, account=account,
        form=form, token=token, name=name, has_changed="_import" in request.POST,
    )  # fmt: skip


def _shown(columns: Columns) -> str:
    """Importing counts only for rows read exactly as they were shown; the account may still be named."""
    said = json.dumps(columns.as_json(), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _import(
    request: HttpRequest,
    *,
    merchant: Merchant,
    table: Table,
    columns: Columns,
    account: str,
    token: str,
    name: str,
    data: bytes,
) -> HttpResponse:
    by: Any = request.user
    stored = statements.store(
        merchant, table, columns=columns, account=account, file_name=name, data=data, by=by
    )
    statements.remove(token)
    if stored.statement is None:
        known = (
            f"all {stored.known} lines had been imported before"
            if stored.known
            else "no row is a line of money"
        )
        messages.info(request, f"Nothing new: {known}.")
        return HttpResponseRedirect(reverse("admin:payments_statementimport_changelist"))
    words = f"{stored.new} line{'' if stored.new == 1 else 's'} imported."
    may_match = access.may(by, permission=access.VERIFY, merchant_id=merchant.pk)
    if may_match and request.POST.get("match_certain"):
        matched = statements.take_certain(stored.statement, by=by)
        words += f" {matched} matched."
    messages.success(request, words)
    return HttpResponseRedirect(reverse("admin:payments_statementimport_change", args=[stored.statement.pk]))


def _look(
    request: HttpRequest,
    *,
    console: Any,
    merchant: Merchant,
    table: Table,
    columns: Columns,
    account: str,
    form: ColumnsForm,
    token: str,
    name: str,
    is_remembered: bool = False,
    has_changed: bool = False,
) -> HttpResponse:
    asked = statements.questions(columns, table)
    found = None if asked else statements.look(merchant, table, columns=columns, account=account)
    new = [_row(row) for row in found.new] if found else []
    context = {
        "title": "Look before you import",
        "form": form,
        "questions": asked,
        "look": found,
        "figures": _figures(found) if found else [],
        "rows": new[:MOST_SHOWN],
        "more": max(0, len(new) - MOST_SHOWN),
        "skipped": [row for row in found.rows if row.standing not in (Standing.NEW, Standing.KNOWN)][:MOST_SHOWN]
        if found
        else [],
        "sample": table.rows[:4],
        "header": table.header,
        "token": token,
        "file_name": name,
        "shown": _shown(columns),
        "read_as": _read_as(columns, table),
        "is_remembered": is_remembered,
        "has_changed": has_changed,
    }  # fmt: skip
    return _page(request, console, "look", **context)


def _read_as(columns: Columns, table: Table) -> str:
    """The columns in use, in one line."""
    used = [(name, getattr(columns, name)) for name in statements.PLACES]
    return ", ".join(
        f"{statements.LABELS[name].split(',')[0].lower()} from “{table.header[place]}”"
        for name, place in used
        if place is not None and place < len(table.header)
    )


def _row(row: LookRow) -> Row:
    assert row.line is not None
    return Row(row.line, row.suggestion)


def _figures(found: Look) -> list[tuple[str, int, str, str]]:
    """Label, number, tone and note of each."""
    unreadable = found.count(Standing.UNREADABLE)
    foreign = sum(row.is_foreign for row in found.new)
    coming = sum(row.suggestion is not None for row in found.new)
    return [
        ("New", found.count(Standing.NEW), "good" if found.count(Standing.NEW) else "", "will be imported"),
        ("Without doubt", found.certain, "good" if found.certain else "", f"of {coming} incoming"),
        ("Nobody's yet", foreign, "", "no booking fits"),
        ("Known", found.count(Standing.KNOWN), "", "imported before"),
        ("Zero", found.count(Standing.ZERO), "", "nothing moved"),
        ("Unreadable", unreadable, "warn" if unreadable else "", "told below"),
    ]


def _page(request: HttpRequest, console: Any, template: str, **context: object) -> HttpResponse:
    shown = {**console.admin_site.each_context(request), "opts": console.opts, **context}
    return TemplateResponse(request, f"admin/payments/statementimport/{template}.html", shown)
