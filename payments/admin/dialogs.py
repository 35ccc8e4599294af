"""Dialogs that move money: what would happen is shown in figures, and only POST with exactly those figures does it.

One address each. GET shows the form and its effect; POST with "_preview" works the figures out anew; POST with the
figures that were shown acts. Who must prove first that it is them is led there and back, with what was typed. Every
money dialog of the console runs through `answer`; the permission is checked by the caller, the rules by the use case.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django_htmx.http import HttpResponseClientRedirect
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import DomainError
from customers.authentication import recent

REASON_ROWS = 2


class DialogForm(forms.Form):
    """`live` names the fields on which the figures depend. The token makes sending it twice one deed."""

    live: tuple[str, ...] = ()
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields that a person fills in."""
        return [bound for bound in self if not bound.is_hidden]


class ReasonForm(DialogForm):
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="In your words. It stays on the record.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": REASON_ROWS}),
    )


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What would happen. `shown` holds the figures: confirming counts only for exactly these."""

    lines: tuple[tuple[object, object], ...] = ()
    total: tuple[object, object] | None = None
    notes: tuple[object, ...] = ()
    warning: object = ""
    button: str
    shown: str = ""


Look = Callable[[Mapping[str, Any]], Effect | None]
Act = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, kw_only=True)
class Dialog:
    """`look` tells the effect of the entries (None while there is none yet); `act` does it and answers where to go on.

    Both raise DomainError in words. `earlier` finds what the same form did before, by its token.
    """

    title: str
    intro: object
    form: Callable[..., DialogForm]
    look: Look
    act: Act
    back: str
    initial: dict[str, Any] = field(default_factory=dict)
    earlier: Callable[[str], str | None] = lambda key: None
    quiet: str = "Leave it"
    is_grave: bool = False


def only_if(possible: bool, dialog: Dialog, *, refusal: DomainError) -> Dialog:
    """The dialog as its address shows it when it is not offered (any more): what speaks against it, and no button."""

    def look(entries: Mapping[str, Any]) -> Effect | None:
        effect = dialog.look(entries)
        if effect is not None:
            raise refusal
        return None

    return dialog if possible else replace(dialog, look=look)


def own_withdraws(actions: list[Any]) -> list[Any]:
    """The actions as who asked reads them: to decline what one asked for oneself is to withdraw it."""
    for one in actions:
        if one.action_name.endswith("_decline"):
            one.description, one.icon = "Withdraw", "undo"
    return actions


def person(request: HttpRequest) -> User:
    """Who acts. The console's own guard lets nobody in who is not somebody."""
    assert isinstance(request.user, User)
    return request.user


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """On to another page, out of the dialog too."""
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


def answer(request: HttpRequest, dialog: Dialog, *, console: Any) -> HttpResponse:
    """What the dialog's address answers."""
    if request.method == "POST":
        return _post(request, dialog, console=console)
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    if typed := recent.typed_before(request):
        return _shown_again(request, dialog, typed, console=console)
    form = dialog.form(initial={**dialog.initial, "request_key": uuid.uuid4().hex})
    effect, refusal = _look(dialog, dialog.initial)
    return _page(request, dialog, console=console, form=form, effect=effect, refusal=refusal)


def _shown_again(
    request: HttpRequest, dialog: Dialog, typed: QueryDict, *, console: Any, refusal: str = ""
) -> HttpResponse:
    """The form with these entries and what they would do; nothing is done."""
    form = dialog.form(typed)
    form.is_valid()
    effect, refused = _effect(dialog, form)
    for name in [name for name in form.errors if name not in form.live]:
        form.errors.pop(name)
    return _page(request, dialog, console=console, form=form, effect=effect, refusal=refusal or refused)


def _post(request: HttpRequest, dialog: Dialog, *, console: Any) -> HttpResponse:
    key = request.POST.get("request_key", "")
    if key and (url := dialog.earlier(key)):
        return leave(request, url)  # the same form once more
    if "_preview" in request.POST:
        return _shown_again(request, dialog, request.POST, console=console)
    form = dialog.form(request.POST)
    complete = form.is_valid()
    effect, refusal = _effect(dialog, form)
    if complete and effect and form.cleaned_data["shown"] == effect.shown:
        try:
            return leave(request, dialog.act(form.cleaned_data))
        except recent.ReauthenticationRequired:
            return recent.lead_to_proof(request)
        except DomainError as refused:
            refusal = words(refused)
            effect, _ = _effect(dialog, form)
    elif complete and effect:
        refusal = "The figures have changed. Look at them once more, then confirm."
    return _page(request, dialog, console=console, form=form, effect=effect, refusal=refusal)


def _effect(dialog: Dialog, form: DialogForm) -> tuple[Effect | None, str]:
    if any(name in form.errors for name in form.live):
        return None, ""
    return _look(dialog, form.cleaned_data)


def _look(dialog: Dialog, entries: Mapping[str, Any]) -> tuple[Effect | None, str]:
    try:
        return dialog.look(entries), ""
    except DomainError as refusal:
        return None, words(refusal)


def words(refusal: DomainError) -> str:
    """The refusal in words, field by field where it is about several."""
    fields = refusal.extra.get("fields")
    told = list(dict.fromkeys(map(str, fields.values()))) if isinstance(fields, dict) else []
    return " ".join(told) or refusal.for_staff


def _page(
    request: HttpRequest,
    dialog: Dialog,
    *,
    console: Any,
    form: DialogForm,
    effect: Effect | None,
    refusal: str,
) -> HttpResponse:
    context = {
        **console.admin_site.each_context(request),
        "title": dialog.title,
        "opts": console.opts,
        "dialog": dialog,
        "form": form,
        "effect": effect,
        "refusal": refusal,
        "shown": effect.shown if effect else "",
    }
    return TemplateResponse(request, "admin/tableside/money_dialog.html", context)
