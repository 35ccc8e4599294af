"""A signed-in customer's saved cards: seen, saved, preferred, removed, and the way to Stripe's portal.

Every view gets the customer from the session's grant; a card of somebody else's does not exist here.
"""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from customers import merchants, sessions
from customers.models import Customer
from payments import cards, errors, page_cards
from payments.models import SavedCard

TRY_AGAIN = "Please try again in a moment."
REFUSALS = (errors.GatewayUnknown, errors.GatewayBusy, errors.GatewayMisconfigured, errors.GatewayRefused)


@require_GET
@sessions.required
def page(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    """The cards. Coming back from Stripe, they are read anew; the address tells nothing that is believed."""
    if "setup_intent" in request.GET or "from" in request.GET:
        before = set(cards.kept(customer).values_list("pk", flat=True))
        cards.refresh(customer)
        _tell(request, customer, before=before)
        return redirect("payments:account-cards")
    context = {
        "merchant": customer.merchant,
        "customer": customer,
        "place": "cards",
        "page": page_cards.build(customer),
        "stripe_js_url": settings.STRIPE_JS_URL,
        "advice": page_cards.SAVING_ADVICE,
    }
    return render(request, "payments/cards.html", context)


def _tell(request: HttpRequest, customer: Customer, *, before: set[int]) -> None:
    new = cards.kept(customer).exclude(pk__in=before).first()
    if new is not None:
        messages.success(request, f"{page_cards.words_of(new)} is saved.")
    elif request.GET.get("redirect_status") == "failed":
        messages.error(request, "The card was not saved: your bank did not confirm it. Please try again.")


@require_POST
@sessions.required
def begin(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    """For the Payment Element: the secret of a SetupIntent, or words."""
    try:
        begun = cards.begin(customer=customer)
    except (errors.EmailNotVerified, *REFUSALS) as refusal:
        return JsonResponse({"title": refusal.title, "detail": TRY_AGAIN}, status=refusal.status)
    return JsonResponse(
        {"client_secret": begun.client_secret, "return_path": reverse("payments:account-cards")}
    )


@require_POST
@sessions.required
def remove(request: HttpRequest, customer: Customer, public_id: uuid.UUID) -> HttpResponseBase:
    card = _own(customer, public_id=public_id)
    try:
        cards.remove(card=card)
    except REFUSALS as refusal:
        messages.error(request, f"{refusal.title} {TRY_AGAIN}")
    else:
        messages.success(request, f"{page_cards.words_of(card)} is removed.")
    return redirect("payments:account-cards")


@require_POST
@sessions.required
def prefer(request: HttpRequest, customer: Customer, public_id: uuid.UUID) -> HttpResponseBase:
    card = _own(customer, public_id=public_id)
    try:
        cards.prefer(card=card)
    except REFUSALS as refusal:
        messages.error(request, f"{refusal.title} {TRY_AGAIN}")
    else:
        messages.success(request, f"{page_cards.words_of(card)} is your default card now.")
    return redirect("payments:account-cards")


@require_POST
@sessions.required
def portal(request: HttpRequest, customer: Customer) -> HttpResponseBase:
    """On to Stripe's portal, for this customer alone."""
    back = f"{merchants.site_url(customer.merchant)}{reverse('payments:account-cards')}?from=portal"
    try:
        cards.require_proof(customer)
        return redirect(cards.portal(customer=customer, return_url=back))
    except (errors.EmailNotVerified, *REFUSALS) as refusal:
        messages.error(request, f"{refusal.title} {TRY_AGAIN}")
        return redirect("payments:account-cards")


def _own(customer: Customer, *, public_id: uuid.UUID) -> SavedCard:
    """The customer's, removed before or not: a second click on Remove finds it too."""
    card = (
        SavedCard.objects.select_related("customer", "gateway_customer")
        .filter(customer=customer, public_id=public_id)
        .first()
    )
    if card is None:
        raise Http404
    return card
