"""A signed-in customer's account: bookings, receipts, profile, a new e-mail address, signing out.

Every view gets the customer from the session's grant (customers/sessions.py); nothing in an address names one.
"""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bookings import new_address
from customers import links, merchants, sessions, throttle
from customers.errors import AddressTaken, LinkRefused
from customers.forms import EmailForm, ProfileForm
from customers.models import Customer, LinkPurpose
from customers.views import refused, within_this_site
from payments import page_account

NEW_EMAIL = "New e-mail address"
FRESH = timedelta(hours=1)  # a browser left signed in somewhere must not give the account away


@require_GET
@sessions.required
def account(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    return _page(request, customer, place="bookings", page=page_account.bookings(customer))


@require_GET
@sessions.required
def receipts(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    return _page(request, customer, place="receipts", receipts=page_account.receipts(customer))


@require_http_methods(["GET", "POST"])
@sessions.required
def profile(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    """Name and phone. Bookings that were made keep the contact they were made with."""
    if request.method != "POST":
        return _profile_page(request, customer)
    form = ProfileForm(request.POST, customer=customer)
    if not form.is_valid():
        return _profile_page(request, customer, form=form)
    customer.name = form.cleaned_data["name"]
    customer.phone = form.cleaned_data["phone"]
    customer.save(update_fields=["name", "phone"])
    messages.success(request, "Saved.")
    return redirect("payments:account-profile")


@require_POST
@sessions.required
def change_email(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    """Send a link to the new address; nothing changes before it is used."""
    form = EmailForm(request.POST, prefix="new", label=NEW_EMAIL)
    if form.is_valid() and form.cleaned_data["email"] == customer.email:
        form.add_error("email", "That is your address already.")
    if not form.is_valid():
        return _profile_page(request, customer, email_form=form)
    if not sessions.signed_in_within(request, FRESH):
        form.add_error(
            "email",
            "For this we want to be sure that it is you: sign out, sign in by a new link, then change it.",
        )
        return _profile_page(request, customer, email_form=form, status=403)
    email = form.cleaned_data["email"]
    if not throttle.allow_link(request, merchant_id=customer.merchant_id, email=email):
        form.add_error("email", "Too many messages went there in a short time. Try again in an hour.")
        return _profile_page(request, customer, email_form=form, status=429)
    links.ask_new_email(customer, email=email)
    messages.success(
        request,
        f"We have written to {email}. Your address changes when you click the link in that message, "
        f"within {links.LINK_MINUTES} minutes.",
    )
    return redirect("payments:account-profile")


def _profile_page(
    request: HttpRequest,
    customer: Customer,
    *,
    form: ProfileForm | None = None,
    email_form: EmailForm | None = None,
    status: int = 0,
) -> HttpResponse:
    first = {"name": customer.name, "phone": customer.phone.as_national if customer.phone else ""}
    answer = _page(
        request,
        customer,
        place="profile",
        form=form or ProfileForm(initial=first, customer=customer),
        email_form=email_form or EmailForm(prefix="new", label=NEW_EMAIL),
    )
    answer.status_code = status or (422 if form or email_form else 200)
    return answer


def _page(request: HttpRequest, customer: Customer, *, place: str, **context: object) -> HttpResponse:
    shown = {"merchant": customer.merchant, "customer": customer, "place": place, **context}
    return render(request, f"customers/{place}.html", shown)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_email(request: HttpRequest, token: str) -> HttpResponseBase:
    """The link that went to a new address. As with every link: opening it changes nothing, the button does."""
    merchant = merchants.of_request(request)
    if request.method == "POST":
        return _use_new_email(request, token=token)
    found = links.find(merchant=merchant, token=token, purpose=LinkPurpose.NEW_EMAIL)
    standing = links.standing(found)
    if found is None or standing != links.Standing.GOOD:
        return refused(request, merchant=merchant, standing=standing)
    context = {"merchant": merchant, "customer": found.customer, "email": found.email}
    return within_this_site(render(request, "customers/new_email.html", context))


def _use_new_email(request: HttpRequest, *, token: str) -> HttpResponseBase:
    merchant = merchants.of_request(request)
    try:
        customer = new_address.confirm(merchant=merchant, token=token)
    except LinkRefused as error:
        return refused(request, merchant=merchant, standing=links.Standing(str(error.extra["standing"])))
    except AddressTaken as error:
        context = {"merchant": merchant, "title": error.title, "words": error.detail}
        return within_this_site(render(request, "customers/address_taken.html", context, status=409))
    sessions.sign_in(request, customer)
    messages.success(request, f"Your address is {customer.email} now. Links in older messages have ended.")
    return redirect("payments:account-profile")


@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Forget this browser: the sign-in and every booking opened by a link."""
    sessions.sign_out(request)
    return redirect("bookings:home")
