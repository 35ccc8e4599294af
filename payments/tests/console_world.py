"""A merchant with staff and a few rows of everything that the console shows, made by hand and without Stripe."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from bookings import codes
from bookings.models import (
    AddOn,
    Booking,
    BookingState,
    BookingStateChange,
    Instalment,
    LineKind,
    Menu,
    PriceLine,
    Purpose,
    Slot,
    TaxRate,
    TravelFee,
)
from core import clock, outbox
from customers.models import Customer, Membership, Merchant, PaymentMethod, Role
from payments.models import (
    BulkCancellation,
    DeskItem,
    DeskKind,
    GatewayAccount,
    Payment,
    PaymentAttempt,
    PaymentState,
    PaymentStateChange,
    Receipt,
    ReceiptCounter,
    SavedCard,
    WebhookEndpoint,
    WebhookEvent,
)
from payments.tests import console_rows
from payments.tests.console_rows import SECRET_KEY, WEBHOOK_SECRET

GUESTS = ("Ada Example", "Grace Sample", "Linus Placeholder", "Barbara Specimen", "Alan Mustermann")


@dataclass
class World:
    """One merchant. `staff` by role; the last made row of each kind for tests that need one."""

    merchant: Merchant
    account: GatewayAccount
    endpoint: WebhookEndpoint
    menu: Menu
    staff: dict[str, User] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    events: list[WebhookEvent] = field(default_factory=list)
    desk: list[DeskItem] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)


def build(name: str, *, rows: int = 2) -> World:
    """A merchant called `name` with staff of every role and `rows` of everything."""
    slug = name.lower().replace(" ", "-")
    merchant = Merchant.objects.create(name=name, slug=slug, email=f"hello@{slug}.example")
    account = GatewayAccount.objects.create(
        merchant=merchant, stripe_account_id=f"acct_{slug}", secret_key=SECRET_KEY
    )
    endpoint = WebhookEndpoint.objects.create(gateway_account=account, secrets=WEBHOOK_SECRET)
    menu = Menu.objects.create(
        merchant=merchant, name=f"{name} dinner", adult_price_minor=6000, child_price_minor=3000
    )
    AddOn.objects.create(merchant=merchant, name=f"{name} bar", price_minor=500)
    TaxRate.objects.create(merchant=merchant, name=f"{name} tax", rate=Decimal("0.0875"))
    TravelFee.objects.create(merchant=merchant, name=f"{name} travel", fee_minor=4000)
    world = World(merchant=merchant, account=account, endpoint=endpoint, menu=menu)
    for role in Role:
        world.staff[role] = add_staff(merchant, role=role, username=f"{slug}-{role.value}")
    grow(world, rows=rows)
    BulkCancellation.objects.create(
        merchant=merchant,
        day=world.bookings[0].event_date,
        terms="full",
        reason="storm",
        requested_by=world.staff[Role.OWNER],
        refund_minor=10_800,
    )
    return world


def add_staff(merchant: Merchant, *, role: str, username: str) -> User:
    """Without a password, whose hashing takes longer than the rest: tests use force_login."""
    user = User.objects.create_user(username=username, is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


def grow(world: World, *, rows: int) -> None:
    """`rows` more of everything."""
    numbered, _ = ReceiptCounter.objects.get_or_create(merchant=world.merchant, defaults={"last_number": 0})
    numbered.last_number = len(world.bookings) + rows
    numbered.save(update_fields=["last_number"])
    for _ in range(rows):
        number = len(world.bookings)
        booking = _booking(world, number=number)
        payment = _payment(world, booking=booking, number=number)
        console_rows.refund(payment, by=world.staff[Role.OWNER])
        console_rows.ledger(world.account, payment=payment)
        console_rows.transfer(booking, by=world.staff[Role.CLERK], number=number)
        console_rows.statement(world.merchant, by=world.staff[Role.CLERK], number=number)
        world.events.append(console_rows.event(world.endpoint, payment=payment, number=number))
        world.desk.append(
            DeskItem.objects.create(
                merchant=world.merchant,
                kind=DeskKind.SURPLUS,
                key=f"surplus:{payment.pk}",
                payment=payment,
                booking=booking,
                summary=f"{world.merchant.name}: paid twice, 108.00 too much",
                evidence={"charge": payment.stripe_charge_id, "amount": 10_800},
            )
        )
        world.receipts.append(
            Receipt.objects.create(
                merchant=world.merchant,
                payment=payment,
                number=number + 1,
                pdf=b"%PDF-1.7 " + world.merchant.slug.encode(),
                rendered_at=clock.now(),
                emailed_at=clock.now(),
            )
        )
        SavedCard.objects.create(
            merchant=world.merchant,
            customer=booking.customer,
            stripe_payment_method_id=f"pm_{world.merchant.slug}_{payment.pk}",
            brand="visa",
            last4="4242",
        )
        outbox.enqueue(
            key=f"receipt:{payment.pk}",
            to=booking.contact_email,
            subject=f"{world.merchant.name}: your receipt R-{number + 1:06d}",
            text=f"Thank you. Your booking {booking.code} with {world.merchant.name} is confirmed.",
            merchant_id=world.merchant.pk,
            attachments=[("receipt.pdf", "application/pdf", b"%PDF-1.7")],
        )
        console_rows.mirror_of(world.account, payment=payment)


def _booking(world: World, *, number: int) -> Booking:
    merchant = world.merchant
    day = clock.now() + timedelta(days=number % 9, minutes=number)
    starts = datetime(day.year, day.month, day.day, 2, number % 60, tzinfo=UTC) + timedelta(days=1)
    slot, _ = Slot.objects.get_or_create(
        merchant=merchant, starts_at=starts, ends_at=starts + timedelta(hours=3)
    )
    guest = GUESTS[number % len(GUESTS)]
    email = f"guest{number}@{merchant.slug}.example"
    customer = Customer.objects.create(merchant=merchant, email=email, name=f"{guest} of {merchant.name}")
    held = number % 5 == 4
    booking = Booking.objects.create(
        merchant=merchant,
        customer=customer,
        code=codes.new(),
        state=BookingState.HELD if held else BookingState.CONFIRMED,
        hold_expires_at=clock.now() + timedelta(minutes=20) if held else None,
        slot=slot,
        starts_at=starts,
        ends_at=starts + timedelta(hours=3),
        timezone=merchant.timezone,
        adults=10,
        children=2,
        menu=world.menu,
        street="1 Sample Street",
        city="San Francisco",
        region="CA",
        postal_code="94110",
        contact_name=f"{guest} of {merchant.name}",
        contact_email=email,
        currency="usd",
        total_minor=71_775,
        tax_minor=5_775,
        terms_version="1",
    )
    lines = [
        (LineKind.MENU_ADULT, "Dinner, adults", 10, 6_000, 60_000),
        (LineKind.MENU_CHILD, "Dinner, children", 2, 3_000, 6_000),
        (LineKind.TAX, "Sales tax 8.75 %", 1, 5_775, 5_775),
    ]
    for position, (kind, words, quantity, unit, total) in enumerate(lines):
        PriceLine.objects.create(
            booking=booking,
            position=position,
            kind=kind,
            description=words,
            quantity=quantity,
            unit_minor=unit,
            amount_minor=total,
        )
    Instalment.objects.create(
        booking=booking,
        position=0,
        purpose=Purpose.DEPOSIT,
        amount_minor=10_000,
        paid_minor=0 if held else 10_000,
    )
    Instalment.objects.create(
        booking=booking, position=1, purpose=Purpose.BALANCE, amount_minor=61_775, due_on=starts.date()
    )
    BookingStateChange.objects.create(
        booking=booking, from_state="held", to_state="confirmed", actor="stripe", reason="deposit paid"
    )
    world.bookings.append(booking)
    return booking


def _payment(world: World, *, booking: Booking, number: int) -> Payment:
    deposit = booking.instalments.get(purpose=Purpose.DEPOSIT)
    token = uuid.uuid4().hex[:16]
    paid = number % 5 != 4
    payment = Payment.objects.create(
        merchant=world.merchant,
        booking=booking,
        customer=booking.customer,
        instalment=deposit,
        method=PaymentMethod.CARD,
        purpose=Purpose.DEPOSIT,
        state=PaymentState.SUCCEEDED if paid else PaymentState.UNKNOWN,
        currency="usd",
        amount_minor=10_000,
        fee_minor=800,
        total_minor=10_800,
        fee_rate=Decimal("0.08"),
        received_minor=10_800 if paid else 0,
        received_fee_minor=800 if paid else 0,
        placed_minor=10_000 if paid else 0,
        platform_fee_minor=324 if paid else None,
        gateway_fee_minor=343 if paid and number % 2 else None,
        stripe_payment_intent_id=f"pi_{token}",
        stripe_charge_id=f"ch_{token}" if paid else "",
        card_brand="visa",
        card_last4="4242",
        succeeded_at=clock.now() if paid else None,
    )
    PaymentAttempt.objects.create(
        payment=payment,
        source=f"ch_declined_{token}",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    )
    PaymentStateChange.objects.create(
        payment=payment, from_state="pending", to_state="succeeded", actor="stripe", event_id=f"evt_{token}"
    )
    world.payments.append(payment)
    return payment
