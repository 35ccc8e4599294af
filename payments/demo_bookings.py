"""The demonstration's bookings, in every state that exists so far, through the use cases that customers and staff use.

Nobody writes a state here: bookings are made by booking.create, begun by checkout.start, paid at the sandbox by
demo_sandbox, settled by the events that the sandbox lists, refunded by refunds.request, expired by reconcile. No
webhook is sent meanwhile (demo_events), so the product need not be up, and nobody waits. It may be killed and run again
at any moment: a guest who has booked is taken up where their story stands. Receipts and mails are left to the workers.

Cards are told here, transfers and credit in demo_transfers, changes and cancellations in demo_changes. Everything is
dated now, but for the few bookings of demo_past, made first. Two things are hurried, for nobody waits 45 minutes for a
demonstration: the hold of LAPSED lasts no minute, and the hold of the LATE ones is ended while their card form is open,
as the sweep would end it a moment before the card is charged. The held ones run out like any other: after the
merchant's 45 minutes the sweep expires them, and a later run leaves them so.

Called by `manage.py seed_demo --bookings`.
"""

import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.db import connection, transaction

from bookings import booking as bookings
from bookings import lifecycle, slots
from bookings.errors import SlotTaken
from bookings.models import Booking, BookingState
from bookings.slots import FreeSlot
from core import clock
from core.errors import Conflict
from customers.models import Merchant
from payments import (
    balance,
    demo_cast,
    demo_changes,
    demo_events,
    demo_past,
    demo_sandbox,
    demo_till,
    demo_times,
    demo_transfers,
    errors,
    facts,
    mirror,
    reconcile,
    refunds,
    tasks,
)
from payments.demo_cast import Guest, Story
from payments.models import (
    OPEN_STATES,
    CheckoutMode,
    DeskItem,
    DeskKind,
    GatewayAccount,
    GatewayCustomer,
    Payment,
    RefundCause,
)

TOKENS = uuid.UUID("5eedde30-0000-4000-8000-000000000000")
SURPLUS_MINOR = 2_500
PART_MINOR = 3_000
FOREIGN_MINOR = 4_200


@dataclass(frozen=True)
class Made:
    """What there is in the end: bookings by state, and what Stripe's balance and the ledger do not explain."""

    states: dict[str, int]
    difference_minor: int


def make(merchant: Merchant, *, staff: User | None, told: Callable[[int, int], None]) -> Made:
    """Make what is missing of the demonstration's bookings. `told(done, total)` hears of every one.

    Raises NoSandbox, and Conflict when the merchant's payments go elsewhere or another run is at it.
    """
    with at_the_sandbox(merchant) as (account, sandbox):
        return _Run(account, sandbox, staff).all(told)


@contextlib.contextmanager
def at_the_sandbox(merchant: Merchant) -> Iterator[tuple[GatewayAccount, demo_sandbox.Sandbox]]:
    """The merchant's account and the sandbox, for one run at a time, without webhooks meanwhile.

    Raises NoSandbox, and Conflict when the merchant's payments go elsewhere or another run is at it.
    """
    accounts = GatewayAccount.objects.select_related("merchant")
    if not merchant.is_default or accounts.get(merchant=merchant).secret_key:
        raise Conflict(
            "The demonstration merchant's cards are not charged at the sandbox: nothing was booked."
        )
    with tasks.alone("seed_demo") as mine:
        if not mine:
            raise Conflict("Another run makes these bookings at this moment.")
        sandbox = demo_sandbox.open_up()
        with sandbox.without_webhooks(), _without_waiting_for_the_disk():
            mirror.learn_accounts()
            yield accounts.get(merchant=merchant), sandbox


@contextlib.contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """A crash may cost the last moment of a demonstration, which the next run makes again: no commit waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


class _Run:
    """One run: the caterer, the sandbox, and what happens to each guest."""

    def __init__(self, account: GatewayAccount, sandbox: demo_sandbox.Sandbox, staff: User | None) -> None:
        self.account, self.merchant, self.sandbox, self.staff = account, account.merchant, sandbox, staff
        self.menus = list(self.merchant.menus.filter(is_active=True))
        self.events = demo_events.Events(account, sandbox)
        self.till = demo_till.Till(account, sandbox, self.events)
        self.transfers = demo_transfers.Transfers(self.merchant, staff) if staff else None
        self.changes = demo_changes.of(self.merchant, sandbox, self.events, self.till) if staff else None

    def all(self, told: Callable[[int, int], None]) -> Made:
        self.events.hear()  # what an earlier run left
        guests = list(demo_cast.guests())
        self._tell_the_past([guest for guest in guests if guest.story in demo_past.STORIES])
        for done, guest in enumerate(guests, start=1):
            if guest.story not in demo_past.STORIES:
                self._tell(self._book(guest), guest)
            told(done, len(guests))
        if self.transfers is not None:
            self.transfers.import_statement()
        self._charge_a_stranger()
        self.events.hear()
        reconcile.expire_holds()
        self.events.hear()
        self.events.leave()
        tie_out = balance.tie_out(self.account, currency=self.merchant.currency)
        emails = [guest.email for guest in (*guests, demo_cast.TAKER)]
        mine = Booking.objects.filter(merchant=self.merchant, contact_email__in=emails)
        states = Counter(mine.values_list("state", flat=True))
        return Made(dict(sorted(states.items())), tie_out.difference_minor)

    def _tell_the_past(self, guests: list[Guest]) -> None:
        if self.staff is not None:
            demo_past.tell(self.merchant, guests, staff=self.staff, book=self._book_on)

    def _tell(self, booking: Booking, guest: Guest) -> None:
        """The guest's story; a hold that ended since an earlier run stopped within it ends the story, too."""
        with contextlib.suppress(errors.HoldEnded):
            if guest.story in demo_transfers.STORIES and self.transfers:
                demo_transfers.STORIES[guest.story](self.transfers, booking, guest)
            elif guest.story in demo_changes.STORIES and self.changes:
                demo_changes.STORIES[guest.story](self.changes, booking, guest)
            else:
                self._tell_story(booking, guest)

    def _tell_story(self, booking: Booking, guest: Guest) -> None:
        match guest.story:
            case Story.STARTED:
                self.till.only_begin(booking, mode=CheckoutMode.ELEMENT)
            case Story.HOSTED_OPEN:
                self.till.only_begin(booking, mode=CheckoutMode.HOSTED)
            case Story.ASKED_3DS:
                self.till.pay(booking, number=demo_sandbox.ASKS_FOR_3DS)
            case Story.DECLINED:
                self.till.decline(booking, number=demo_till.declined_card(guest.number))
            case Story.DEPOSIT:
                self.till.pay(booking)
            case Story.DEPOSIT_HOSTED:
                self.till.pay(booking, mode=CheckoutMode.HOSTED)
            case Story.DECLINED_THEN_PAID:
                self.till.decline(booking, number=demo_till.declined_card(guest.number))
                self.till.pay(booking)
            case Story.UNKNOWN_THEN_PAID:
                self.till.lose_the_answer(booking)
                self.till.pay(booking)
            case Story.PAID | Story.SOON:
                self.till.pay_all(booking)
            case Story.REFUNDED_PART:
                self.till.pay_all(booking)
                self._refund(self.till.paid(booking)[-1], PART_MINOR, reason="One guest fewer came")
            case Story.REFUNDED_DEPOSIT | Story.REFUNDED_WHOLE:
                self.till.pay(booking) if guest.story is Story.REFUNDED_DEPOSIT else self.till.pay_all(
                    booking
                )
                for payment in self.till.paid(booking):
                    self._refund(payment, refunds.refundable(payment), reason="Goodwill, agreed by phone")
            case Story.LATE_FITS | Story.LATE_TAKEN:
                self._pay_late(booking, guest)
            case Story.PAID_TOO_MUCH:
                self._pay_too_much(booking)
            case Story.PAID_TWICE:
                self._pay_twice(booking)

    # Booking -------------------------------------------------------------------------------------------

    def _book(self, guest: Guest, *, slot: uuid.UUID | None = None) -> Booking:
        before = Booking.objects.filter(merchant=self.merchant, contact_email=guest.email).first()
        if before is not None:
            return before
        city, postal_code = guest.place
        request = bookings.BookingRequest(
            slot_public_id=slot or self._time(guest).public_id,
            adults=guest.adults,
            children=guest.children,
            menu_id=self.menus[guest.number % len(self.menus)].pk,
            street=guest.street,
            city=city,
            postal_code=postal_code,
            name=guest.name,
            email=guest.email,
            notes=f"Demonstration: {guest.story}.",
            terms_accepted=True,
        )
        merchant = Merchant.objects.get(pk=self.merchant.pk)
        if guest.story is Story.LAPSED:
            merchant.hold_minutes = 0  # for this booking alone; never saved
        token = uuid.uuid5(TOKENS, f"{merchant.public_id} {guest.email}")
        return bookings.create(merchant=merchant, request=request, actor="customer", idempotency_token=token)

    def _book_on(self, guest: Guest, day: date) -> Booking:
        free = slots.free(merchant=self.merchant, on=day)
        if not free:
            raise Conflict(f"The demonstration merchant has no free time on {day}.")
        return self._book(guest, slot=free[-1].public_id)

    def _time(self, guest: Guest) -> FreeSlot:
        times = demo_times.fitting(slots.free(merchant=self.merchant, limit=500), guest=guest)
        if not times or not self.menus:
            raise Conflict(
                "The demonstration merchant has no free times or no menu: add some, then run this again."
            )
        return times[guest.number * 5 % len(times)]

    # What staff and the desk see -----------------------------------------------------------------------

    def _refund(self, payment: Payment, amount_minor: int, *, reason: str) -> None:
        if amount_minor <= 0:
            return
        refunds.request(
            payment=payment,
            amount_minor=amount_minor,
            cause=RefundCause.PRICE_REDUCTION,
            reason=reason,
            requested_by=self.staff,
            actor=f"user:{self.staff.pk}" if self.staff else "system",
            request_key=f"demo:{payment.public_id}",
            authenticated_at=clock.now(),
        )
        self.events.hear()

    def _pay_late(self, booking: Booking, guest: Guest) -> None:
        if booking.state == BookingState.HELD and self.till.begin(booking):
            with transaction.atomic():
                locked = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
                lifecycle.expire(locked, actor="system", reason="The hold ended unpaid")
        if guest.story is Story.LATE_TAKEN:
            with contextlib.suppress(SlotTaken):  # somebody else has taken it: as good
                self.till.pay(self._book(demo_cast.TAKER, slot=booking.slot.public_id))
        if payment := booking.payments.filter(state__in=OPEN_STATES).first():
            self.till.enter_card(payment)

    def _pay_too_much(self, booking: Booking) -> None:
        if self.till.paid(booking) or not (payment := self.till.begin(booking)):
            return
        more = payment.total_minor + SURPLUS_MINOR
        self.sandbox.raise_amount(payment.stripe_payment_intent_id, amount_minor=more)
        self.till.enter_card(payment)

    def _pay_twice(self, booking: Booking) -> None:
        self.till.pay(booking)
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
        self.events.hear()

    def _charge_a_stranger(self) -> None:
        """Money that belongs to no booking."""
        if not DeskItem.objects.filter(merchant=self.merchant, kind=DeskKind.FOREIGN_MONEY).exists():
            key = f"demo:{self.merchant.public_id}"
            self.sandbox.charge_in_dashboard(amount_minor=FOREIGN_MINOR, key=key)
