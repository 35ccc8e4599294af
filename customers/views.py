"""The customers' way in: ask for a link, open it, use it. What a visitor may not know, no answer tells."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from customers import links, merchants, sessions, throttle
from customers.errors import LinkRefused
from customers.forms import EmailForm
from customers.models import LinkPurpose, Merchant


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Type an e-mail address. The answer is the same for every address, and so is what is done for it here."""
    merchant = merchants.of_request(request)
    wanted = links.safe_path(request.POST.get("next", "") or request.GET.get("next", ""))
    if request.method != "POST":
        if sessions.current_customer(request, merchant=merchant):
            return redirect(wanted or reverse("payments:account"))
        return _ask_page(request, merchant=merchant, form=EmailForm(), wanted=wanted)
    form = EmailForm(request.POST)
    if not form.is_valid():
        return _ask_page(request, merchant=merchant, form=form, wanted=wanted, status=422)
    email = form.cleaned_data["email"]
    if not throttle.allow_link(request, merchant_id=merchant.pk, email=email):
        return _ask_page(request, merchant=merchant, form=form, wanted=wanted, status=429)
    links.ask(merchant=merchant, email=email, next_path=wanted)
    return redirect("customers:sent")


def _ask_page(
    request: HttpRequest, *, merchant: Merchant, form: EmailForm, wanted: str, status: int = 200
) -> HttpResponse:
    context = {"merchant": merchant, "form": form, "next": wanted, "too_often": status == 429}
    return render(request, "customers/sign_in.html", context, status=status)


@never_cache
@require_safe
def sent(request: HttpRequest) -> HttpResponseBase:
    """The one answer to every address."""
    context = {"merchant": merchants.of_request(request), "minutes": links.LINK_MINUTES}
    return render(request, "customers/sent.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """A page with one button; only the button uses the link, because mail scanners open every address."""
    merchant = merchants.of_request(request)
    if request.method == "POST":
        return _use(request, merchant=merchant, token=token)
    found = links.find(merchant=merchant, token=token, purpose=LinkPurpose.SIGN_IN)
    standing = links.standing(found)
    if standing != links.Standing.GOOD:
        return refused(request, merchant=merchant, standing=standing)
    context = {"merchant": merchant, "customer": found.customer if found else None}
    return within_this_site(render(request, "customers/link.html", context))


def _use(request: HttpRequest, *, merchant: Merchant, token: str) -> HttpResponseBase:
    try:
        customer, wanted = links.sign_in(merchant=merchant, token=token)
    except LinkRefused as error:
        return refused(request, merchant=merchant, standing=links.Standing(str(error.extra["standing"])))
    sessions.sign_in(request, customer)
    return redirect(wanted or reverse("payments:account"))


def refused(request: HttpRequest, *, merchant: Merchant, standing: links.Standing) -> HttpResponse:
    """Why the link does not work, kindly, and the way to a new one."""
    signed_in = sessions.current_customer(request, merchant=merchant) is not None
    context = {"merchant": merchant, "standing": str(standing), "form": EmailForm(), "signed_in": signed_in}
    status = 404 if standing == links.Standing.UNKNOWN else 410
    return within_this_site(render(request, "customers/link_refused.html", context, status=status))


def within_this_site(response: HttpResponse) -> HttpResponse:
    """The address holds a token: no other site learns it. (`no-referrer` would break the check of forged posts.)"""
    response.headers["Referrer-Policy"] = "same-origin"
    return response
