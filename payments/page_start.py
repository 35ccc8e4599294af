"""The click on "Pay", as the pages handle it: what was shown is compared, `checkout.start` does the rest.

Every refusal becomes either a place to go (the booking's page knows how things stand) or words to show. Nothing here
takes an amount from the browser: the one that the page showed is only compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from bookings.models import Booking, Purpose
from customers.models import Customer
from payments import cards, checkout, errors
from payments.models import CheckoutMode, Payment, PaymentState

ACTOR = "customer"


@dataclass(frozen=True, slots=True)
class Problem:
    title: str
    text: str


PROBLEMS: Mapping[str, Problem] = {
    "changed": Problem(
        "The amount has changed",
        "It was computed anew while this page was open. Please look at it again, then pay. Nothing was charged.",
    ),
    "declined": Problem(
        "The payment did not go through",
        "Your bank did not confirm it. Please try again, or use another card. Nothing was charged, and your "
        "date is still held.",
    ),
}
NO_SUCH_CARD = Problem(
    "This card cannot be used any more", "Please reload the page, or use another card. Nothing was charged."
)
NOT_STARTED = "We could not start the payment"
TRY_AGAIN = "Please try again in a moment. You will not be charged twice."
WAITING_WORDS: Mapping[str, str] = {
    PaymentState.PROCESSING: "Your bank is working on it. Please do not pay again.",
    PaymentState.REQUIRES_ACTION: "Waiting for your bank’s confirmation.",
}
_ENDED = (PaymentState.CANCELED, PaymentState.EXPIRED, PaymentState.FAILED, PaymentState.REJECTED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either `href` to go to, or a client secret for the Element, or a problem to show.

    `payment_method` is Stripe's id of the customer's own card, when they chose one.
    """

    href: str = ""
    client_secret: str = ""
    return_path: str = ""
    payment_method: str = ""
    problem: Problem | None = None
    status: int = 200

    def as_json(self) -> dict[str, str]:
        if self.problem is not None:
            return {"title": self.problem.title, "detail": self.problem.text}
        if self.href:
            return {"next": self.href}
        return {
            "client_secret": self.client_secret,
            "return_path": self.return_path,
            "payment_method": self.payment_method,
        }


def start(booking: Booking, *, form: Mapping[str, str], customer: Customer | None = None) -> Outcome:
    """Start the payment that the page showed, or say where to go instead. `customer` is the one who is signed in."""
    mode = form.get("mode", "")
    if mode not in CheckoutMode.values:
        return Outcome(problem=Problem(NOT_STARTED, "Please reload the page and try again."), status=422)
    card = None
    if public_id := form.get("card", ""):
        card = cards.picked(booking, customer=customer, public_id=public_id)
        if card is None:
            return Outcome(problem=NO_SUCH_CARD, status=404)
    try:
        purpose = form.get("purpose", "")
        if str(checkout.due(booking, purpose=purpose).total_minor) != form.get("shown", ""):
            return Outcome(href=f"{_pay_href(booking)}?problem=changed{_query(purpose)}")
        started = checkout.start(booking=booking, purpose=purpose, mode=mode, actor=ACTOR)
    except errors.TooSmallForCard as refusal:
        return Outcome(problem=Problem(NOT_STARTED, refusal.detail), status=refusal.status)
    except (errors.NothingToPay, errors.PaymentInProgress, errors.HoldEnded):
        return Outcome(href=_booking_href(booking))
    except (errors.GatewayRefused, errors.GatewayMisconfigured) as refusal:
        return Outcome(problem=Problem(NOT_STARTED, refusal.detail), status=refusal.status)
    except (errors.GatewayBusy, errors.GatewayUnknown) as failure:
        return Outcome(problem=Problem(failure.title, TRY_AGAIN), status=failure.status)
    if started.redirect_url:
        return Outcome(href=started.redirect_url)
    return Outcome(
        client_secret=started.client_secret or "",
        return_path=_return_path(started.payment, booking),
        payment_method=card.stripe_payment_method_id if card else "",
    )


def after_return(payment: Payment, *, declined: bool) -> str:
    """Where the customer goes once the payment's state is known; empty while it is not."""
    booking = payment.booking
    assert booking is not None
    if payment.state in (PaymentState.SUCCEEDED, PaymentState.AUTHORIZED, PaymentState.REVERSED):
        return _booking_href(booking)
    if payment.state in _ENDED:
        return _booking_href(booking)
    if declined and payment.state in (PaymentState.PENDING, PaymentState.REQUIRES_ACTION):
        return f"{_pay_href(booking)}?problem=declined{_query(payment.purpose)}"
    return ""


def _booking_href(booking: Booking) -> str:
    return reverse("payments:booking", kwargs={"code": booking.code})


def _query(purpose: str) -> str:
    return "&purpose=full" if purpose == Purpose.FULL else ""


def _pay_href(booking: Booking) -> str:
    return reverse("payments:pay", kwargs={"code": booking.code})


def _return_path(payment: Payment, booking: Booking) -> str:
    return f"{reverse('payments:paid', kwargs={'code': booking.code})}?payment={payment.public_id}"
