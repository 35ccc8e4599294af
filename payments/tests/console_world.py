"""A merchant with staff and a few rows of everything that the console shows, made by hand and without Stripe."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Model
from djstripe import models as mirror

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
    Account,
    BalanceTransaction,
    DeskItem,
    DeskKind,
    EventState,
    GatewayAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentAttempt,
    PaymentState,
    PaymentStateChange,
    Receipt,
    Refund,
    RefundCause,
    RefundState,
    RefundStateChange,
    WebhookEndpoint,
    WebhookEvent,
)

SECRET_KEY = "sk_test_" + "never0shown0to0anyone00"
WEBHOOK_SECRET = "whsec_" + "never0shown0either0000000"
CLIENT_SECRET = "pi_test_secret_" + "openTheIntent"
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
    return world


def add_staff(merchant: Merchant, *, role: str, username: str) -> User:
    """Without a password, whose hashing takes longer than the rest: tests use force_login."""
    user = User.objects.create_user(username=username, is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


def grow(world: World, *, rows: int) -> None:
    """`rows` more of everything."""
    for _ in range(rows):
        number = len(world.bookings)
        booking = _booking(world, number=number)
        payment = _payment(world, booking=booking, number=number)
        _refund(payment, by=world.staff[Role.OWNER])
        _ledger(world, payment=payment)
        _event(world, payment=payment, number=number)
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
        outbox.enqueue(
            key=f"receipt:{payment.pk}",
            to=booking.contact_email,
            subject=f"{world.merchant.name}: your receipt R-{number + 1:06d}",
            text=f"Thank you. Your booking {booking.code} with {world.merchant.name} is confirmed.",
            merchant_id=world.merchant.pk,
            attachments=[("receipt.pdf", "application/pdf", b"%PDF-1.7")],
        )
        _mirror(world, payment=payment)


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


def _refund(payment: Payment, *, by: User) -> None:
    """One that failed: it holds nothing, so the payment may still be refunded whole."""
    refund = Refund.objects.create(
        payment=payment,
        state=RefundState.FAILED,
        cause=RefundCause.PRICE_REDUCTION,
        reason=f"Fewer guests than booked at {payment.merchant.name}",
        currency="usd",
        amount_minor=1_000,
        fee_minor=80,
        total_minor=1_080,
        tax_minor=80,
        requested_by=by,
        stripe_refund_id=f"re_{uuid.uuid4().hex[:12]}",
        failure_reason="expired_or_canceled_card",
    )
    RefundStateChange.objects.create(refund=refund, from_state="submitted", to_state="failed", actor="stripe")


def _ledger(world: World, *, payment: Payment) -> None:
    with transaction.atomic():
        posted = LedgerTransaction.objects.create(
            merchant=world.merchant,
            currency="usd",
            source_key=f"ch:{payment.pk}",
            description=f"Deposit for {payment.booking.code}" if payment.booking else "Deposit",
            occurred_at=clock.now(),
        )
        for account, minor in (
            (Account.CLEARING_STRIPE, 10_800),
            (Account.CUSTOMER_DEPOSITS, -10_000),
            (Account.PROCESSING_FEE_INCOME, -800),
        ):
            LedgerEntry.objects.create(
                transaction=posted,
                account=account,
                amount_minor=minor,
                booking=payment.booking,
                customer=payment.customer,
                payment=payment,
            )
    BalanceTransaction.objects.create(
        gateway_account=world.account,
        stripe_id=f"txn_{payment.pk}",
        type="charge",
        source_id=payment.stripe_charge_id,
        currency="usd",
        amount_minor=10_800,
        fee_minor=343,
        net_minor=10_457,
        stripe_created=clock.now(),
    )


def _event(world: World, *, payment: Payment, number: int) -> None:
    states = (EventState.HANDLED, EventState.FAILED, EventState.HANDLED, EventState.DEAD)
    state = states[number % len(states)]
    trouble = state in (EventState.FAILED, EventState.DEAD)
    world.events.append(
        WebhookEvent.objects.create(
            endpoint=world.endpoint,
            stripe_event_id=f"evt_{uuid.uuid4().hex[:16]}",
            type="payment_intent.succeeded",
            api_version="2026-08-26.dahlia",
            livemode=False,
            stripe_created=clock.now(),
            received_at=clock.now(),
            due_at=clock.now() + timedelta(hours=1),
            state=state,
            attempts=3 if trouble else 1,
            outcome="" if trouble else "payment succeeded",
            last_error="KeyError: a bug" if trouble else "",
            payload={
                "data": {"object": {"id": payment.stripe_payment_intent_id, "client_secret": CLIENT_SECRET}},
                "note": f"for {world.merchant.name}",
            },
        )
    )


def _mirror(world: World, *, payment: Payment) -> None:
    owner, _ = mirror.Account.objects.get_or_create(
        id=world.account.stripe_account_id,
        defaults={"stripe_data": {"object": "account", "email": "x@y.example"}},
    )
    mirror.APIKey.objects.get_or_create(
        id=f"key_{owner.id}",
        defaults={
            "secret": f"{SECRET_KEY}{world.merchant.pk}",
            "djstripe_owner_account": owner,
            "livemode": False,
            "type": "secret",
        },
    )
    if not payment.stripe_charge_id:
        return
    common: dict[str, Any] = {"djstripe_owner_account": owner, "livemode": False, "created": clock.now()}
    intent = mirror.PaymentIntent.objects.create(
        id=payment.stripe_payment_intent_id,
        stripe_data={
            "id": payment.stripe_payment_intent_id,
            "status": "succeeded",
            "amount": 10_800,
            "currency": "usd",
            "client_secret": CLIENT_SECRET,
            "metadata": {"merchant": world.merchant.name},
        },
        **common,
    )
    mirror.Charge.objects.create(
        id=payment.stripe_charge_id,
        payment_intent=intent,
        amount=Decimal("108.00"),
        currency="usd",
        stripe_data={
            "id": payment.stripe_charge_id,
            "status": "succeeded",
            "amount": 10_800,
            "currency": "usd",
        },
        **common,
    )


def mirror_everything(world: World) -> None:
    """One row in each of dj-stripe's tables that the console shows, as bare as the table allows."""
    for model in admin.site._registry:
        if model._meta.app_label == "djstripe" and not model._default_manager.exists():
            _bare(model, owner=world.account.stripe_account_id)


def _bare(model: type[Model], *, owner: str) -> Model:
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        if column.primary_key or column.null or column.has_default() or not isinstance(column, models.Field):
            continue
        values[column.attname] = _some(column, owner=owner)
    values["djstripe_owner_account_id"] = owner
    if model._meta.model_name == "accountv2":
        values["id"] = owner
    values["stripe_data"] = {"object": model._meta.model_name, "secret": SECRET_KEY, "status": "active"}
    return model._default_manager.bulk_create([model(**values)])[0]


def _some(column: models.Field, *, owner: str) -> object:
    """Any value that the column takes; a row to point at is made."""
    if isinstance(column, models.ForeignKey):
        remote = column.remote_field.model
        row = remote._default_manager.first() or _bare(remote, owner=owner)
        return getattr(row, column.target_field.attname)
    if isinstance(column, models.JSONField):
        return {}
    if isinstance(column, models.DateTimeField):
        return clock.now()
    if isinstance(column, models.BooleanField):
        return False
    if isinstance(column, models.IntegerField | models.DecimalField):
        return 1
    return f"{column.model._meta.model_name}_x"[: column.max_length]
