"""What hangs on a payment, made by hand for the console's tests: refund, ledger, event, Stripe's objects."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Model
from djstripe import models as mirror

from bookings.models import Booking, Purpose
from core import clock
from customers.models import Merchant, PaymentMethod
from payments import documents
from payments.models import (
    Account,
    BalanceTransaction,
    Claim,
    Credit,
    CreditNote,
    CreditNoteCounter,
    CreditSource,
    EventState,
    GatewayAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentState,
    Refund,
    RefundCause,
    RefundState,
    RefundStateChange,
    StatementImport,
    StatementLine,
    StatementMapping,
    Transfer,
    WebhookEndpoint,
    WebhookEvent,
)

SECRET_KEY = "sk_test_" + "never0shown0to0anyone00"
WEBHOOK_SECRET = "whsec_" + "never0shown0either0000000"
CLIENT_SECRET = "pi_test_secret_" + "openTheIntent"


def refund(payment: Payment, *, by: User) -> None:
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
    _credit_note(refund)


def _credit_note(refund: Refund) -> None:
    """The price had fallen when it was asked for, and stays."""
    payment = refund.payment
    assert payment.booking is not None
    CreditNote.objects.create(
        merchant=payment.merchant,
        booking=payment.booking,
        refund=refund,
        number=documents.next_number(CreditNoteCounter, merchant_id=payment.merchant_id),
        currency="usd",
        amount_minor=1_000,
        net_minor=920,
        tax_minor=80,
        taxes=[{"name": f"{payment.merchant.name} tax", "tax_minor": 80}],
        price_minor=payment.booking.total_minor,
        reason=refund.reason,
        pdf=b"%PDF-1.7 " + payment.merchant.slug.encode(),
        rendered_at=clock.now(),
        emailed_at=clock.now(),
    )


def transfer(booking: Booking, *, by: User, number: int) -> None:
    """A balance that is said to be sent by Zelle, a deposit for which cash came, and credit."""
    words = f"{booking.merchant.name} {number}"
    said = Payment.objects.create(
        merchant=booking.merchant,
        booking=booking,
        customer=booking.customer,
        instalment=booking.instalments.get(purpose=Purpose.BALANCE),
        method=PaymentMethod.ZELLE,
        purpose=Purpose.BALANCE,
        state=PaymentState.CLAIMED,
        currency="usd",
        amount_minor=61_775,
        total_minor=61_775,
    )
    Claim.objects.create(
        merchant=booking.merchant,
        payment=said,
        sender_name=f"Payer of {words}",
        sent_on=clock.now().date(),
        note=f"For {words}",
    )
    with transaction.atomic():
        came = Transfer.objects.create(
            merchant=booking.merchant,
            method=PaymentMethod.CASH,
            currency="usd",
            amount_minor=1_000,
            sender_name=f"Payer of {words}",
            reference=f"envelope {words}",
            received_on=clock.now().date(),
            recorded_by=by,
        )
        Payment.objects.create(
            merchant=booking.merchant,
            customer=booking.customer,
            transfer=came,
            method=PaymentMethod.CASH,
            state=PaymentState.SUCCEEDED,
            currency="usd",
            amount_minor=1_000,
            total_minor=1_000,
            received_minor=1_000,
            credit_minor=1_000,
        )
    Credit.objects.create(
        merchant=booking.merchant,
        customer=booking.customer,
        source=CreditSource.GRANT,
        currency="usd",
        amount_minor=1_000,
        remaining_minor=1_000,
        reason=f"Sorry from {words}",
        granted_by=by,
    )


def statement(merchant: Merchant, *, by: User, number: int) -> None:
    """An import with one line that nobody decided about yet."""
    mapping, _ = StatementMapping.objects.get_or_create(
        merchant=merchant, header_fingerprint="0" * 64, defaults={"name": f"Checking of {merchant.name}"}
    )
    made = StatementImport.objects.create(
        merchant=merchant,
        mapping=mapping,
        account=mapping.name,
        file_name=f"{merchant.slug}-{number}.csv",
        sha256="0" * 64,
        imported_by=by,
    )
    StatementLine.objects.create(
        merchant=merchant,
        statement=made,
        account=mapping.name,
        position=1,
        booked_on=clock.now().date(),
        currency="usd",
        amount_minor=61_775,
        description=f"Zelle to {merchant.name} {number}",
        fingerprint=f"{number:064d}",
    )


def ledger(account: GatewayAccount, *, payment: Payment) -> None:
    with transaction.atomic():
        posted = LedgerTransaction.objects.create(
            merchant=account.merchant,
            currency="usd",
            source_key=f"ch:{payment.pk}",
            description=f"Deposit for {payment.booking.code}" if payment.booking else "Deposit",
            occurred_at=clock.now(),
        )
        for name, minor in (
            (Account.CLEARING_STRIPE, 10_800),
            (Account.CUSTOMER_DEPOSITS, -10_000),
            (Account.PROCESSING_FEE_INCOME, -800),
        ):
            LedgerEntry.objects.create(
                transaction=posted,
                account=name,
                amount_minor=minor,
                booking=payment.booking,
                customer=payment.customer,
                payment=payment,
            )
    BalanceTransaction.objects.create(
        gateway_account=account,
        stripe_id=f"txn_{payment.pk}",
        type="charge",
        source_id=payment.stripe_charge_id,
        currency="usd",
        amount_minor=10_800,
        fee_minor=343,
        net_minor=10_457,
        stripe_created=clock.now(),
    )


def event(endpoint: WebhookEndpoint, *, payment: Payment, number: int) -> WebhookEvent:
    states = (EventState.HANDLED, EventState.FAILED, EventState.HANDLED, EventState.DEAD)
    state = states[number % len(states)]
    trouble = state in (EventState.FAILED, EventState.DEAD)
    return WebhookEvent.objects.create(
        endpoint=endpoint,
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
            "note": f"for {payment.merchant.name}",
        },
    )


def mirror_of(account: GatewayAccount, *, payment: Payment) -> None:
    owner, _ = mirror.Account.objects.get_or_create(
        id=account.stripe_account_id,
        defaults={"stripe_data": {"object": "account", "email": "x@y.example"}},
    )
    mirror.APIKey.objects.get_or_create(
        id=f"key_{owner.id}",
        defaults={
            "secret": f"{SECRET_KEY}{account.merchant_id}",
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
            "metadata": {"merchant": account.merchant.name},
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


def mirror_everything(account: GatewayAccount) -> None:
    """One row in each of dj-stripe's tables that the console shows, as bare as the table allows."""
    for model in admin.site._registry:
        if model._meta.app_label == "djstripe" and not model._default_manager.exists():
            _bare(model, owner=account.stripe_account_id)


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
