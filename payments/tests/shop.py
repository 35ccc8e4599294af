"""A caterer whose card money goes through the real sandbox, for tests of the payments room.

Webhooks are pulled from the sandbox's event list and posted through the product's own door, so that a test decides
when, how often and in which order they arrive.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import stripe
from django.conf import settings
from django.test import Client

from bookings.models import Booking, Menu, Slot, TaxRate
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core import clock
from customers.models import Customer, Merchant
from payments import balance, cards, checkout, endpoints, events, handling, ledger
from payments.models import Capture, GatewayAccount, Payment, SavedCard, WebhookEndpoint
from payments.tests.stripe_events import signature
from tests.fixtures import Sandbox

VISA = "pm_card_visa"


@dataclass
class Shop:
    """One merchant with menu, tax of 8.75 % and slots, whose webhooks a test delivers by hand."""

    sandbox: Sandbox
    merchant: Merchant
    account: GatewayAccount
    endpoint: WebhookEndpoint
    menu: Menu
    _seen: set[str] = field(default_factory=set)

    @property
    def stripe(self) -> Any:
        """Stripe's own client on the sandbox; untyped, for tests read answers by their keys."""
        return stripe.StripeClient(settings.STRIPE_SECRET_KEY, base_addresses={"api": self.sandbox.url})

    def book(self, *, slot: Slot | None = None, **changes: Any) -> Booking:
        """A held booking of 1,000.00 and 87.50 tax: deposit 100.00, balance 987.50."""
        slot = slot or SlotFactory.create(merchant=self.merchant, capacity=100)
        return booked(merchant=self.merchant, slot=slot, **{"adults": 10, "children": 0, **changes})

    def start(self, booking: Booking, *, mode: str = "element", purpose: str = "") -> checkout.Started:
        return checkout.start(booking=booking, purpose=purpose, mode=mode, actor="customer")

    def authorize(self, booking: Booking, *, purpose: str = "") -> checkout.Started:
        return checkout.start(
            booking=booking, purpose=purpose, mode="element", actor="customer", capture=Capture.MANUAL
        )

    def save_card(self, customer: Customer, *, card: str = VISA) -> SavedCard:
        """A card that the customer saved on our page, told by webhooks."""
        Customer.objects.filter(pk=customer.pk).update(email_verified_at=clock.now())
        customer.refresh_from_db()
        setup = cards.begin(customer=customer).setup
        setup.refresh_from_db()
        self.stripe.v1.setup_intents.confirm(setup.stripe_setup_intent_id, {"payment_method": card})
        self.deliver()
        return SavedCard.objects.get(setup=setup)

    def confirm(self, payment: Payment, *, card: str = VISA) -> Any:
        """Pay at Stripe as the Payment Element would; a decline raises stripe.CardError."""
        payment.refresh_from_db()
        return self.stripe.v1.payment_intents.confirm(
            payment.stripe_payment_intent_id, {"payment_method": card}
        )

    def pay_hosted(self, payment: Payment, *, number: str = "4242424242424242") -> Any:
        """Pay on the hosted Checkout page."""
        card = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        details = {"card": card, "billing_details": {"email": "ada@example.com", "name": "Ada Example"}}
        payment.refresh_from_db()
        return self.sandbox.control(
            f"checkout/{payment.stripe_checkout_session_id}/pay", payment_method_data=details
        )

    def fault(self, kind: str, *, path: str, method: str = "POST", count: int = 1) -> None:
        """The next `count` such requests fail in this way (sandbox/faults.py names the kinds)."""
        self.sandbox.order_fault(
            {"kind": kind, "target": "request", "method": method, "path": path, "count": count, "seconds": 1}
        )

    def events(self) -> list[dict[str, Any]]:
        """Every event since the last call, oldest first."""
        page = self.stripe.v1.events.list({"limit": 100})
        found = [event.to_dict(for_json=True) for event in page.auto_paging_iter()]
        new = [event for event in found if event["id"] not in self._seen]
        self._seen.update(event["id"] for event in new)
        return list(reversed(new))

    def post(self, event: dict[str, Any], *, client: Client | None = None) -> int:
        """Deliver one event through the webhook's door; the status code."""
        body = json.dumps(event).encode()
        headers = {"Stripe-Signature": signature(body, secret=settings.STRIPE_WEBHOOK_SECRETS[0])}
        answer = (client or Client()).post(
            "/api/stripe/webhook", data=body, content_type="application/json", headers=headers
        )
        return answer.status_code

    def deliver(self, found: Iterable[dict[str, Any]] | None = None, *, times: int = 1) -> None:
        """Deliver and handle these events, or all new ones, in this order, each `times` times."""
        for event in self.events() if found is None else found:
            for _ in range(times):
                assert self.post(event) == 200
                handling.work_off(events.handle)

    def deliver_shuffled(self, *, seed: int, times: int = 1) -> None:
        found = self.events() * times
        random.Random(seed).shuffle(found)
        self.deliver(found)
        handling.work_off(events.handle)

    def paid(self, booking: Booking, **start: Any) -> Payment:
        """The booking's next instalment, paid by card and settled."""
        payment = self.start(booking, **start).payment
        self.confirm(payment)
        self.deliver()
        payment.refresh_from_db()
        return payment

    def balances(self) -> dict[str, int]:
        return dict(ledger.balances(merchant=self.merchant, currency="usd"))

    def tie_out(self) -> balance.TieOut:
        return balance.tie_out(self.account, currency="usd")


def open_shop(sandbox: Sandbox) -> Shop:
    endpoints.forget()
    merchant = MerchantFactory.create(is_default=True, slug="ember", name="Ember Test Kitchen")
    account = GatewayAccount.objects.create(merchant=merchant)
    endpoint = WebhookEndpoint.objects.create(gateway_account=account, is_default=True)
    menu = Menu.objects.create(
        merchant=merchant, name="Hibachi", adult_price_minor=10_000, child_price_minor=5_000
    )
    TaxRate.objects.create(merchant=merchant, name="Sales tax", rate="0.0875")
    return Shop(sandbox, merchant, account, endpoint, menu)
