"""How the demonstration's guests pay: begun by checkout.start, paid at the sandbox, settled by its events.

Each function looks first at what an earlier run did, so that nobody pays twice. Called by the demonstration alone.
"""

import contextlib

from django.conf import settings

from bookings.models import Booking
from payments import checkout, demo_events, demo_sandbox, errors, gateway
from payments.models import CheckoutMode, GatewayAccount, Payment, PaymentState

TRIES = 3
DECLINES = (demo_sandbox.DECLINED, demo_sandbox.INSUFFICIENT_FUNDS, demo_sandbox.EXPIRED_CARD)


def declined_card(number: int) -> str:
    """One of the cards that are declined, each for another reason."""
    return DECLINES[number % len(DECLINES)]


class Till:
    """Card payments to one account at the sandbox."""

    def __init__(
        self, account: GatewayAccount, sandbox: demo_sandbox.Sandbox, events: demo_events.Events
    ) -> None:
        self._account, self._sandbox, self._events = account, sandbox, events

    def paid(self, booking: Booking) -> list[Payment]:
        return list(booking.payments.filter(state=PaymentState.SUCCEEDED).order_by("pk"))

    def begin(self, booking: Booking, *, mode: str = CheckoutMode.ELEMENT) -> Payment | None:
        """The next instalment's payment, begun; None when an earlier run went further than that."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(errors.GatewayUnknown, errors.GatewayBusy):
                return self._start(booking, mode=mode)
        return self._start(booking, mode=mode)

    def _start(self, booking: Booking, *, mode: str) -> Payment | None:
        try:
            started = checkout.start(booking=booking, mode=mode, actor="customer")
        except (errors.AlreadyPaid, errors.HoldEnded):
            return None
        return Payment.objects.get(pk=started.payment.pk)

    def only_begin(self, booking: Booking, *, mode: str) -> None:
        if not booking.payments.exclude(state__in=(PaymentState.CREATED, PaymentState.UNKNOWN)).exists():
            self.begin(booking, mode=mode)
            self._events.hear()

    def enter_card(self, payment: Payment, *, number: str = demo_sandbox.VISA) -> bool:
        assert payment.customer is not None
        name = payment.customer.name
        if payment.mode == CheckoutMode.HOSTED:
            accepted = self._sandbox.pay_hosted(payment.stripe_checkout_session_id, number=number, name=name)
        else:
            intent = gateway.retrieve_intent(self._account, payment.stripe_payment_intent_id)
            accepted = self._sandbox.pay(
                intent.id, client_secret=intent.client_secret, number=number, name=name
            )
        self._events.hear()
        return accepted

    def pay(
        self, booking: Booking, *, mode: str = CheckoutMode.ELEMENT, number: str = demo_sandbox.VISA
    ) -> None:
        """Pay the first instalment, unless something has been paid or the bank is asking already."""
        went_on = (PaymentState.SUCCEEDED, PaymentState.REQUIRES_ACTION)
        if booking.payments.filter(state__in=went_on).exists():
            return
        if payment := self.begin(booking, mode=mode):
            self.enter_card(payment, number=number)

    def pay_all(self, booking: Booking) -> None:
        self.pay(booking)
        self.pay_rest(booking, mode=CheckoutMode.HOSTED)

    def pay_rest(self, booking: Booking, *, mode: str) -> None:
        for instalment in booking.instalments.order_by("position"):
            if instalment.open_minor and (payment := self.begin(booking, mode=mode)):
                self.enter_card(payment)

    def decline(self, booking: Booking, *, number: str) -> None:
        if booking.payments.filter(attempts__isnull=False).exists() or self.paid(booking):
            return
        if payment := self.begin(booking):
            self.enter_card(payment, number=number)

    def lose_the_answer(self, booking: Booking) -> None:
        """Stripe makes the payment, and its answer never arrives: `unknown`, until it is asked for again."""
        if booking.payments.exists():
            return
        lost = self._sandbox.losing_the_answer(
            path="/v1/payment_intents", retries=settings.STRIPE_MAX_RETRIES
        )
        with lost, contextlib.suppress(errors.GatewayUnknown):
            self._start(booking, mode=CheckoutMode.ELEMENT)
