"""What becomes of the bookings of the demonstration's year: on the day of the booking, and on later days.

One function for each, which goes through the use cases and looks first at what an earlier run did. To add a story: a
Fate in demo_calendar, a function here (its work in demo_year_transfers or demo_year_changes), and its line in
ON_THE_DAY, and perhaps in BALANCE, AFTER_EVENT or AFTER_BOOKING. Called by demo_year alone.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from customers.models import PaymentMethod
from payments import demo_sandbox, demo_till, demo_year_changes, demo_year_transfers, facts, refunds
from payments.demo_calendar import Fate, Plan
from payments.models import (
    OPEN_STATES,
    CheckoutMode,
    GatewayAccount,
    GatewayCustomer,
    Payment,
    PaymentState,
    RefundCause,
)

BALANCE_DAYS = 7
DECIDED_AFTER_DAYS = 6  # before Stripe decides by itself, unanswered
SURPLUS_MINOR, PART_MINOR = 2_500, 6_000


class Fates:
    """The stories, told at one till. The events that they cause are heard after each of them."""

    def __init__(
        self,
        account: GatewayAccount,
        sandbox: demo_sandbox.Sandbox,
        till: demo_till.Till,
        staff: User,
        manager: User,
    ) -> None:
        self.account, self.sandbox, self.till, self.staff = account, sandbox, till, staff
        self.transfers = demo_year_transfers.Transfers(account.merchant, staff)
        self.changes = demo_year_changes.Changes(account.merchant, manager)

    def _pay(self, booking: Booking, plan: Plan, *, mode: str = CheckoutMode.ELEMENT) -> None:
        number = demo_sandbox.MASTERCARD if plan.person % 3 == 0 else demo_sandbox.VISA
        self.till.pay(booking, mode=mode, number=number)

    def pays(self, booking: Booking, plan: Plan) -> None:
        self._pay(booking, plan)

    def pays_hosted(self, booking: Booking, plan: Plan) -> None:
        self._pay(booking, plan, mode=CheckoutMode.HOSTED)

    def lapses(self, booking: Booking, plan: Plan) -> None:
        """Nothing: the evening ends the hold."""

    def is_declined(self, booking: Booking, plan: Plan) -> None:
        self.till.decline(booking, number=demo_till.declined_card(plan.number))

    def is_declined_and_pays(self, booking: Booking, plan: Plan) -> None:
        self.is_declined(booking, plan)
        self._pay(booking, plan)

    def pays_late(self, booking: Booking, plan: Plan) -> None:
        if booking.state == BookingState.HELD and self.till.begin(booking):
            with transaction.atomic():
                locked = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
                lifecycle.expire(locked, actor="system", reason="The hold ended unpaid")
        if payment := booking.payments.filter(state__in=OPEN_STATES).first():
            self.till.enter_card(payment)

    def pays_too_much(self, booking: Booking, plan: Plan) -> None:
        if self.till.paid(booking) or not (payment := self.till.begin(booking)):
            return
        more = payment.total_minor + SURPLUS_MINOR
        self.sandbox.raise_amount(payment.stripe_payment_intent_id, amount_minor=more)
        self.till.enter_card(payment)

    def pays_twice(self, booking: Booking, plan: Plan) -> None:
        self._pay(booking, plan)
        paid = self.till.paid(booking)
        if len(paid) != 1:
            return
        known = GatewayCustomer.objects.get(gateway_account=self.account, customer=booking.customer)
        self.sandbox.charge_in_dashboard(
            amount_minor=paid[0].total_minor,
            key=f"demo:{paid[0].public_id}",
            customer_id=known.stripe_customer_id,
            metadata={facts.PAYMENT_KEY: str(paid[0].public_id)},
        )

    def pays_with_a_card_that_disputes(self, booking: Booking, plan: Plan) -> None:
        self.till.pay(booking, number=demo_sandbox.DISPUTED)

    def pays_with_a_card_that_closes(self, booking: Booking, plan: Plan) -> None:
        self.till.pay(booking, number=demo_sandbox.REFUND_FAILS)

    def pays_all(self, booking: Booking, plan: Plan) -> None:
        self.till.pay_all(booking)

    def sends_by_zelle(self, booking: Booking, plan: Plan) -> None:
        self.transfers.send(booking, method=PaymentMethod.ZELLE, number=demo_year_transfers.FIRST)

    def sends_by_venmo(self, booking: Booking, plan: Plan) -> None:
        self.transfers.send(booking, method=PaymentMethod.VENMO, number=demo_year_transfers.FIRST)

    def says_only(self, booking: Booking, plan: Plan) -> None:
        self.transfers.say_only(booking)

    def spends_goodwill(self, booking: Booking, plan: Plan) -> None:
        self.transfers.give_goodwill(booking)
        booking.refresh_from_db()
        if booking.state == BookingState.HELD and (payment := self.till.begin(booking)):
            self.till.enter_card(payment)  # What the credit left open of it.

    # Later days ----------------------------------------------------------------------------------------

    def pay_balance(self, booking: Booking, plan: Plan) -> None:
        if booking.state == BookingState.CONFIRMED:
            demo_year_transfers.spend(booking)
            mode = CheckoutMode.HOSTED if plan.number % 3 else CheckoutMode.ELEMENT
            self.till.pay_rest(booking, mode=mode)

    def send_rest(self, booking: Booking, plan: Plan) -> None:
        method = PaymentMethod.VENMO if plan.fate is Fate.VENMO else PaymentMethod.ZELLE
        self.transfers.send(booking, method=method, number=demo_year_transfers.REST)

    def send_unsaid(self, booking: Booking, plan: Plan) -> None:
        self.transfers.send_unsaid(booking)

    def bring_check(self, booking: Booking, plan: Plan) -> None:
        self.transfers.bring(booking, method=PaymentMethod.CHECK)

    def bring_cash(self, booking: Booking, plan: Plan) -> None:
        self.transfers.bring(booking, method=PaymentMethod.CASH)

    def more_guests(self, booking: Booking, plan: Plan) -> None:
        self.changes.more_guests(booking)

    def fewer_guests(self, booking: Booking, plan: Plan) -> None:
        self.changes.fewer_guests(booking)

    def move(self, booking: Booking, plan: Plan) -> None:
        self.changes.move(booking)

    def cancel(self, booking: Booking, plan: Plan) -> None:
        self.changes.cancel(booking)

    def cancel_for_credit(self, booking: Booking, plan: Plan) -> None:
        self.changes.cancel(booking, as_credit=True)

    def refund_part(self, booking: Booking, plan: Plan) -> None:
        for payment in self.till.paid(booking)[-1:]:
            self._refund(payment, min(PART_MINOR, refunds.refundable(payment)), reason="One guest fewer came")

    def refund_to_closed_card(self, booking: Booking, plan: Plan) -> None:
        for payment in self.till.paid(booking)[:1]:
            self._refund(
                payment, min(PART_MINOR, refunds.refundable(payment)), reason="The music stopped early"
            )

    def refund_whole(self, booking: Booking, plan: Plan) -> None:
        for payment in self.till.paid(booking):
            self._refund(payment, refunds.refundable(payment), reason="Goodwill, agreed by phone")

    def refund_in_dashboard(self, booking: Booking, plan: Plan) -> None:
        for payment in self.till.paid(booking)[:1]:
            if not payment.refunds.exists():
                self.sandbox.refund_in_dashboard(
                    payment.stripe_charge_id, amount_minor=payment.received_minor // 2
                )

    def win_dispute(self, booking: Booking, plan: Plan) -> None:
        self._decide(booking, outcome="won")

    def lose_dispute(self, booking: Booking, plan: Plan) -> None:
        self._decide(booking, outcome="lost")

    def _decide(self, booking: Booking, *, outcome: str) -> None:
        for payment in self.till.paid(booking)[:1]:
            found = self.sandbox.dispute_of(payment.stripe_payment_intent_id)
            if found and found["status"] == "needs_response":
                self.sandbox.decide(found["id"], outcome=outcome)

    def _refund(self, payment: Payment, amount_minor: int, *, reason: str) -> None:
        if amount_minor <= 0 or payment.state != PaymentState.SUCCEEDED:
            return
        refunds.request(
            payment=payment,
            amount_minor=amount_minor,
            cause=RefundCause.PRICE_REDUCTION,
            reason=reason,
            requested_by=self.staff,
            actor=f"user:{self.staff.pk}",
            request_key=f"demo:{payment.public_id}",
            authenticated_at=clock.now(),
        )


Story = Callable[[Fates, Booking, Plan], None]
ON_THE_DAY: dict[Fate, Story] = {
    Fate.PAYS: Fates.pays,
    Fate.PAYS_HOSTED: Fates.pays_hosted,
    Fate.FORGETS: Fates.pays,
    Fate.LAPSES: Fates.lapses,
    Fate.DECLINED_LAPSES: Fates.is_declined,
    Fate.DECLINED_PAYS: Fates.is_declined_and_pays,
    Fate.PART_REFUNDED: Fates.pays,
    Fate.WHOLLY_REFUNDED: Fates.pays_hosted,
    Fate.LATE: Fates.pays_late,
    Fate.SURPLUS: Fates.pays_too_much,
    Fate.TWICE: Fates.pays_twice,
    Fate.DASHBOARD_REFUND: Fates.pays,
    Fate.DISPUTE_WON: Fates.pays_with_a_card_that_disputes,
    Fate.DISPUTE_LOST: Fates.pays_with_a_card_that_disputes,
    Fate.ZELLE: Fates.sends_by_zelle,
    Fate.VENMO: Fates.sends_by_venmo,
    Fate.UNSAID: Fates.pays,
    Fate.NOT_FOUND: Fates.says_only,
    Fate.CHECK: Fates.pays,
    Fate.OWED: Fates.pays,
    Fate.GOODWILL: Fates.spends_goodwill,
    Fate.MORE_GUESTS: Fates.pays,
    Fate.FEWER_GUESTS: Fates.pays_all,
    Fate.MOVED: Fates.pays,
    Fate.CANCELLED: Fates.pays,
    Fate.CANCELLED_BY_HAND: Fates.sends_by_zelle,
    Fate.CANCELLED_AS_CREDIT: Fates.pays,
    Fate.BACK_BY_HAND: Fates.sends_by_zelle,
    Fate.REFUND_FAILED: Fates.pays_with_a_card_that_closes,
}
# What happens so many days after the event; AFTER_BOOKING: DECIDED_AFTER_DAYS after the booking.
AFTER_EVENT: dict[Fate, tuple[int, Story]] = {
    Fate.PART_REFUNDED: (1, Fates.refund_part),
    Fate.WHOLLY_REFUNDED: (-2, Fates.refund_whole),
    Fate.DASHBOARD_REFUND: (2, Fates.refund_in_dashboard),
    Fate.OWED: (4, Fates.bring_cash),
    Fate.MORE_GUESTS: (-13, Fates.more_guests),
    Fate.FEWER_GUESTS: (-3, Fates.fewer_guests),
    Fate.MOVED: (-16, Fates.move),
    Fate.CANCELLED_BY_HAND: (-9, Fates.cancel),
    Fate.CANCELLED_AS_CREDIT: (-17, Fates.cancel_for_credit),
    Fate.BACK_BY_HAND: (1, Fates.refund_part),
    Fate.REFUND_FAILED: (1, Fates.refund_to_closed_card),
}
# A cancellation comes so many days before the event: in each bracket of the policy.
CANCELLED_DAYS_BEFORE = (20, 10, 3)
AFTER_BOOKING: dict[Fate, Story] = {
    Fate.DISPUTE_WON: Fates.win_dispute,
    Fate.DISPUTE_LOST: Fates.lose_dispute,
}
# How the balance is paid; by card where nothing else is said, None: never.
BALANCE: dict[Fate, Story | None] = {
    Fate.FORGETS: None,
    Fate.LAPSES: None,
    Fate.DECLINED_LAPSES: None,
    Fate.DISPUTE_LOST: None,
    Fate.NOT_FOUND: None,
    Fate.OWED: None,
    Fate.ZELLE: Fates.send_rest,
    Fate.VENMO: Fates.send_rest,
    Fate.CANCELLED_BY_HAND: Fates.send_rest,
    Fate.BACK_BY_HAND: Fates.send_rest,
    Fate.UNSAID: Fates.send_unsaid,
    Fate.CHECK: Fates.bring_check,
}


def later(plan: Plan) -> Iterator[tuple[date, Story]]:
    """What follows on later days. Never before the day after the booking."""
    tomorrow = plan.booked_on + timedelta(days=1)
    if pay := BALANCE.get(plan.fate, Fates.pay_balance):
        due = plan.event_on - timedelta(days=BALANCE_DAYS + plan.number % 5)
        yield max(due, tomorrow), pay
    if plan.fate in AFTER_EVENT:
        days, do = AFTER_EVENT[plan.fate]
        yield max(plan.event_on + timedelta(days=days), tomorrow), do
    if plan.fate is Fate.CANCELLED:
        days = CANCELLED_DAYS_BEFORE[plan.number % len(CANCELLED_DAYS_BEFORE)]
        yield max(plan.event_on - timedelta(days=days), tomorrow), Fates.cancel
    if plan.fate in AFTER_BOOKING:
        yield plan.booked_on + timedelta(days=DECIDED_AFTER_DAYS), AFTER_BOOKING[plan.fate]
