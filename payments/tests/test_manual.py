"""Zelle, Venmo, cash and checks: from what the customer is told to what staff find, place, split and take back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from bookings.models import BookingState
from bookings.tests.factories import CustomerFactory, MerchantFactory, SlotFactory, TaxRateFactory, booked
from core import clock
from core.errors import Invalid
from core.models import OutboxEmail
from customers.models import Merchant, PlatformFeeOverride
from payments import errors, ledger, manual, reconcile
from payments.models import (
    Claim,
    Credit,
    DeskItem,
    DeskKind,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
    Transfer,
)
from payments.resolution import moving

pytestmark = pytest.mark.django_db
TODAY = clock.today("America/Los_Angeles")


@pytest.fixture
def merchant():
    made = MerchantFactory.create(
        is_default=True,
        zelle_name="Ember LLC",
        zelle_contact="pay@ember.example",
        venmo_handle="ember-kitchen",
    )
    TaxRateFactory.create(merchant=made)
    return made


@pytest.fixture
def by(merchant):
    return User.objects.create_user("casey", first_name="Casey", last_name="Clerk")


def book(merchant, **changes):
    """1,000.00 and 87.50 tax: deposit 100.00, balance 987.50."""
    if not merchant.menus.exists():
        merchant.menus.create(name="Hibachi", adult_price_minor=10_000, child_price_minor=5_000)
    starts_at = clock.now() + timedelta(days=30 + merchant.slots.count())
    slot = SlotFactory.create(merchant=merchant, starts_at=starts_at)
    return booked(merchant=merchant, slot=slot, **{"adults": 10, "children": 0, **changes})


def claimed(booking, *, method="zelle", **said):
    payment = manual.start(booking, method=method, actor="customer")
    return manual.claim(
        payment, **{"sender_name": "Ada Example", "sent_on": TODAY, "actor": "customer", **said}
    )


def found(merchant, *, by, **changes):
    values = {"method": "zelle", "amount_minor": 10_000, "currency": "usd", "received_on": TODAY}
    return manual.Found(merchant=merchant, by=by, **{**values, **changes})


def confirm(said, *, by, amount_minor=10_000, **changes):
    return manual.confirm(said, amount_minor=amount_minor, received_on=TODAY, by=by, **changes)


def mails(start):
    return list(OutboxEmail.objects.filter(key__startswith=start).values_list("to", flat=True))


def books(merchant):
    return {
        name: minor for name, minor in ledger.balances(merchant=merchant, currency="usd").items() if minor
    }


def standing(*bookings):
    """Everything that a refusal must leave as it is."""
    for booking in bookings:
        booking.refresh_from_db()
    return (
        [
            (booking.state, list(booking.instalments.values_list("paid_minor", flat=True)))
            for booking in bookings
        ],
        sorted(Payment.objects.values_list("public_id", "state", "received_minor")),
        sorted(Claim.objects.values_list("public_id", "state")),
        Transfer.objects.count(),
        LedgerTransaction.objects.count(),
        OutboxEmail.objects.count(),
        DeskItem.objects.count(),
        Receipt.objects.count(),
    )


def test_instructions_name_amount_fee_saving_handle_reference_and_a_venmo_link(merchant):
    booking = book(merchant)
    zelle = manual.instructions(booking, method="zelle")
    assert (zelle.amount_minor, zelle.fee_minor, zelle.total_minor, zelle.saving_minor) == (
        10_000,
        0,
        10_000,
        800,
    )
    assert (zelle.handle, zelle.recipient, zelle.reference) == (
        "pay@ember.example",
        "Ember LLC",
        booking.code,
    )
    venmo = manual.instructions(booking, method="venmo")
    assert (venmo.fee_minor, venmo.total_minor, venmo.saving_minor) == (300, 10_300, 500)
    assert venmo.link == f"https://venmo.com/ember-kitchen?txn=pay&amount=103.00&note={booking.code}"
    assert manual.offered(merchant) == ("zelle", "venmo")
    merchant.offers_venmo = False
    with pytest.raises(errors.NotOffered):
        manual.instructions(booking, method="venmo")
    with pytest.raises(errors.NothingToPay, match="deposit is due first"):
        manual.instructions(booking, method="zelle", purpose="balance")


def test_a_payment_begun_twice_is_one_row_and_another_amount_ends_the_first(merchant):
    booking = book(merchant)
    first = manual.start(booking, method="zelle", actor="customer")
    assert manual.start(booking, method="zelle", actor="customer") == first
    assert manual.start(booking, method="venmo", actor="customer").fee_rate == Decimal("0.03")
    booking.instalments.filter(purpose="deposit").update(amount_minor=12_000)
    second = manual.start(booking, method="zelle", actor="customer")
    first.refresh_from_db()
    assert (first.state, second.total_minor) == (PaymentState.CANCELED, 12_000)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=first.pk).update(state=PaymentState.CREATED)


def test_a_claim_holds_the_date_once_and_moves_no_money(merchant):
    booking = book(merchant)
    said = claimed(booking, note="from my bank")
    booking.refresh_from_db()
    until = booking.hold_expires_at
    assert timedelta(hours=47) < until - clock.now() <= timedelta(hours=48)
    assert (said.state, said.extended_hold) == ("open", True)
    said.payment.refresh_from_db()
    assert (said.payment.state, said.payment.received_minor) == (PaymentState.CLAIMED, 0)
    assert booking.instalments.first().paid_minor == 0
    assert not LedgerTransaction.objects.exists()
    assert mails("claim:") == ["ada@example.com"]
    before = standing(booking)
    assert manual.claim(said.payment, sender_name="Ada", sent_on=TODAY, actor="customer") == said
    assert standing(booking) == before
    assert manual.withdraw(said, actor="customer")
    assert not manual.withdraw(said, actor="customer")
    again = claimed(booking)
    booking.refresh_from_db()
    assert (again.extended_hold, booking.hold_expires_at) == (False, until)


@pytest.mark.parametrize("same", ["email", "phone"])
def test_one_contact_cannot_hold_a_second_date_by_a_word(merchant, by, same):
    first, other = (
        book(merchant),
        {"email": "b@example.com"} if same == "phone" else {"phone": "(415) 555-2672"},
    )
    second = book(merchant, **other)
    said = claimed(first)
    assert not claimed(second).extended_hold
    stranger = book(merchant, email="stranger@example.com", phone="(415) 555-2699")
    assert claimed(stranger).extended_hold
    confirm(said, by=by)
    third = book(merchant, **other)
    assert claimed(third).extended_hold


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"sender_name": "  "}, "sender_name"),
        ({"sent_on": TODAY + timedelta(days=3)}, "sent_on"),
        ({"sent_on": TODAY - timedelta(days=400)}, "sent_on"),
    ],
)
def test_a_claim_that_cannot_be_is_refused_by_field_and_nothing_changes(merchant, said, field):
    booking = book(merchant)
    payment = manual.start(booking, method="zelle", actor="customer")
    before = standing(booking)
    with pytest.raises(Invalid) as refused:
        manual.claim(payment, **{"sender_name": "Ada", "sent_on": TODAY, "actor": "customer", **said})
    assert field in str(refused.value.extra["fields"])
    assert standing(booking) == before


def test_an_unpaid_hold_ends_though_instructions_were_shown_or_a_claim_was_never_checked(merchant):
    shown, unchecked = book(merchant), book(merchant, email="b@example.com", phone="(415) 555-2672")
    payment = manual.start(shown, method="zelle", actor="customer")
    said = claimed(unchecked)
    for booking in (shown, unchecked):
        booking.refresh_from_db()
        booking.hold_expires_at = clock.now() - timedelta(minutes=1)
        booking.save()
    assert reconcile.expire_holds() == 2
    payment.refresh_from_db()
    said.refresh_from_db()
    assert (payment.state, said.state) == (PaymentState.EXPIRED, "open")
    assert {booking.state for booking in (shown, unchecked) if booking.refresh_from_db() is None} == {
        "expired"
    }


def test_a_confirmed_claim_books_the_money_confirms_the_booking_and_leaves_one_receipt(merchant, by):
    booking = book(merchant)
    said = claimed(booking, method="venmo")
    outcome = confirm(said, by=by, amount_minor=10_300, reference="3 1-4159", note="seen in the app")
    payment = outcome.results[0].payment
    booking.refresh_from_db()
    said.refresh_from_db()
    assert (booking.state, said.state, said.transfer, said.decided_by) == (
        "confirmed",
        "confirmed",
        outcome.transfer,
        by,
    )
    assert (payment.placed_minor, payment.received_fee_minor, payment.transfer) == (
        10_000,
        300,
        outcome.transfer,
    )
    assert booking.instalments.first().open_minor == 0
    assert books(merchant) == {
        "clearing:venmo": 10_300,
        "customer_deposits": -10_000,
        "processing_fee_income": -300,
        "platform_fees": 309,
        "platform_payable": -309,
    }
    key = f"transfer:{outcome.transfer.public_id}:{payment.public_id}"
    assert LedgerTransaction.objects.filter(source_key=key).count() == 1
    assert Receipt.objects.count() == 1
    assert not DeskItem.objects.exists()
    before = standing(booking)
    with pytest.raises(errors.AlreadyDecided, match="by Casey Clerk"):
        confirm(said, by=by, amount_minor=10_300)
    with pytest.raises(errors.AlreadyDecided):
        manual.reject(said, reason="not there", by=by)
    with pytest.raises(errors.AlreadyPaid):
        manual.claim(payment, sender_name="Ada", sent_on=TODAY, actor="customer")
    assert standing(booking) == before


def test_without_a_platform_fee_a_payment_is_recorded_all_the_same(merchant, by):
    PlatformFeeOverride.objects.create(merchant=merchant, rate=0, valid_from=TODAY - timedelta(days=1))
    booking = book(merchant)
    outcome = manual.record(found(merchant, by=by, method="cash"), booking=booking)
    booking.refresh_from_db()
    assert (booking.state, outcome.results[0].payment.platform_fee_minor) == ("confirmed", 0)
    assert books(merchant) == {"clearing:cash": 10_000, "customer_deposits": -10_000}


@pytest.mark.parametrize("amount", [0, -5])
def test_money_of_nothing_is_refused_and_nobody_is_mailed_that_it_is_incomplete(merchant, by, amount):
    """pretix/pretix#5168."""
    booking = book(merchant)
    said = claimed(booking)
    before = standing(booking)
    with pytest.raises(Invalid):
        confirm(said, by=by, amount_minor=amount)
    with pytest.raises(Invalid):
        manual.record(found(merchant, by=by, amount_minor=amount), booking=booking)
    with pytest.raises(Invalid):
        manual.record(found(merchant, by=by, received_on=TODAY + timedelta(days=2)), booking=booking)
    assert standing(booking) == before


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount_minor": 10**15}, "amount"),
        ({"received_on": TODAY - timedelta(days=3_700)}, "received_on"),
        ({"received_on": TODAY + timedelta(days=2)}, "received_on"),
    ],
)
def test_a_slip_of_the_keyboard_is_told_by_its_field(merchant, by, typed, field):
    booking = book(merchant)
    before = standing(booking)
    with pytest.raises(Invalid) as refusal:
        manual.record(found(merchant, by=by, **typed), booking=booking)
    assert list(refusal.value.extra["fields"]) == [field]
    assert "zero" not in refusal.value.detail
    assert standing(booking) == before


def test_transfers_split_over_days_add_up_and_no_rounding_leaves_a_cent_open(merchant, by):
    booking = book(merchant)
    confirm(claimed(booking, method="venmo"), by=by, amount_minor=5_001, reference="A1")
    booking.refresh_from_db()
    assert booking.state == BookingState.HELD
    [short] = OutboxEmail.objects.filter(key__startswith="short:")
    deposit = booking.instalments.first()
    rest = manual.instructions(booking, method="venmo")
    assert deposit.open_minor == rest.amount_minor == 10_000 - (5_001 - 146)
    assert f"${rest.total_minor / 100:.2f} by Venmo is still open" in short.text
    # The customer goes by the total of the first day: 103.00 - 50.01 - 0.01 for a bank that rounds.
    manual.record(found(merchant, by=by, method="venmo", amount_minor=5_298, reference="A2"), booking=booking)
    booking.refresh_from_db()
    assert (booking.state, booking.instalments.first().open_minor) == ("confirmed", 0)
    assert Receipt.objects.count() == 2
    assert books(merchant)["customer_deposits"] == -10_000


def test_who_pays_everything_at_once_by_transfer_may_send_it_in_two_days(merchant, by):
    booking = book(merchant)
    payment = manual.start(booking, method="zelle", actor="customer", purpose="full")
    assert payment.total_minor == 108_750
    said = manual.claim(payment, sender_name="Ada", sent_on=TODAY, actor="customer")
    outcome = confirm(said, by=by, amount_minor=50_000)
    booking.refresh_from_db()
    assert (booking.state, outcome.credit_minor) == ("confirmed", 0)
    manual.record(found(merchant, by=by, amount_minor=58_750), booking=booking, purpose="full")
    assert sum(part.open_minor for part in booking.instalments.all()) == 0
    assert books(merchant)["customer_deposits"] == -108_750
    late = manual.record(found(merchant, by=by, amount_minor=500), booking=booking)
    assert (late.credit_minor, late.results[0].refusal) == (500, DeskKind.SURPLUS)


def test_a_surplus_is_credit_without_fee_and_the_customer_is_told(merchant, by):
    booking = book(merchant)
    outcome = confirm(claimed(booking, method="venmo"), by=by, amount_minor=12_300)
    booking.refresh_from_db()
    assert booking.state == "confirmed"
    assert (outcome.credit_minor, outcome.results[0].fee_minor, outcome.short_minor) == (2_000, 300, 0)
    assert Credit.objects.get().remaining_minor == 2_000
    assert books(merchant)["customer_credit"] == -2_000
    assert "$20.00 is kept" in OutboxEmail.objects.get(key__startswith="surplus:").subject
    assert DeskItem.objects.get().kind == DeskKind.SURPLUS


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_money_for_a_booking_that_ended_is_unallocated_and_on_the_desk(merchant, by, state):
    booking = book(merchant)
    said = claimed(booking)
    type(booking).objects.filter(pk=booking.pk).update(state=state)
    if state == "expired":
        booked(merchant=merchant, slot=booking.slot, email="faster@example.com", phone="(415) 555-2672")
    outcome = confirm(said, by=by)
    booking.refresh_from_db()
    kind = DeskKind.NO_CAPACITY if state == "expired" else DeskKind.LATE_MONEY
    assert (booking.state, outcome.results[0].refusal) == (state, kind)
    assert books(merchant)["unallocated"] == -10_000
    assert DeskItem.objects.get().kind == kind


def test_a_claim_found_after_the_hold_ended_takes_the_free_place_again(merchant, by):
    booking = book(merchant)
    said = claimed(booking)
    type(booking).objects.filter(pk=booking.pk).update(state="expired")
    confirm(said, by=by)
    booking.refresh_from_db()
    assert booking.state == "confirmed"
    assert not DeskItem.objects.exists()


def test_a_rejected_claim_says_why_and_may_be_said_again(merchant, by):
    booking = book(merchant)
    said = claimed(booking)
    before = standing(booking)
    with pytest.raises(Invalid):
        manual.reject(said, reason=" ", by=by)
    assert standing(booking) == before
    manual.reject(said, reason="We see 10.00, not 100.00.", by=by)
    [letter] = OutboxEmail.objects.filter(key__startswith="claim-rejected:")
    assert "We see 10.00, not 100.00." in letter.text
    assert "We see 10.00, not 100.00." in letter.html
    again = claimed(booking)
    assert again.payment == said.payment
    assert again.payment.claims.count() == 2
    confirm(again, by=by)
    booking.refresh_from_db()
    assert booking.state == "confirmed"
    assert len(mails("claim")) == 3


def test_the_same_reference_twice_is_caught_however_it_is_typed(merchant, by):
    first, second = book(merchant), book(merchant, email="b@example.com")
    manual.record(found(merchant, by=by, reference="BACk-12 34"), booking=first)
    before = standing(first, second)
    with pytest.raises(errors.ReferenceUsed, match=first.code):
        manual.record(found(merchant, by=by, reference="back1234"), booking=second)
    assert standing(first, second) == before
    manual.record(found(merchant, by=by, method="cash", reference="back1234"), booking=second)
    third, fourth = book(merchant, email="c@example.com"), book(merchant, email="d@example.com")
    check = {"method": "check", "reference": "1042"}
    manual.record(found(merchant, by=by, sender_name="Ada", **check), booking=third)
    manual.record(found(merchant, by=by, sender_name="Ben", **check), booking=fourth)
    with pytest.raises(errors.ReferenceUsed):
        manual.record(found(merchant, by=by, sender_name="ADA", **check), booking=fourth)


def test_one_form_sent_twice_records_once(merchant, by):
    booking = book(merchant)
    first = manual.record(found(merchant, by=by, method="cash", request_key="form-1"), booking=booking)
    before = standing(booking)
    second = manual.record(found(merchant, by=by, method="cash", request_key="form-1"), booking=booking)
    assert (second.transfer, second.is_new) == (first.transfer, False)
    assert standing(booking) == before


def test_one_transfer_pays_for_two_bookings_and_the_parts_must_sum_to_it(merchant, by):
    first, second = book(merchant), book(merchant, email="b@example.com")
    said, stranger = claimed(first), booked(merchant=MerchantFactory.create())
    before = standing(first, second)
    with pytest.raises(Invalid):
        manual.split(
            found(merchant, by=by, amount_minor=20_001),
            parts=[manual.Part(amount_minor=10_000, booking=each) for each in (first, second)],
        )
    with pytest.raises(Invalid):
        confirm(said, by=by, amount_minor=20_000, others=[manual.Part(amount_minor=10_000, booking=stranger)])
    assert standing(first, second) == before
    other = manual.Part(amount_minor=10_000, booking=second)
    outcome = confirm(said, by=by, amount_minor=20_000, reference="BOTH", others=[other])
    assert sum(payment.received_minor for payment in outcome.transfer.payments.all()) == 20_000
    assert {booking.state for booking in (first, second) if booking.refresh_from_db() is None} == {
        "confirmed"
    }
    with pytest.raises(IntegrityError, match="sum to"), transaction.atomic():
        Payment.objects.filter(transfer=outcome.transfer).update(received_minor=1, placed_minor=1)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_money_without_a_booking_is_credit_or_unallocated(merchant, by):
    customer = CustomerFactory.create(merchant=merchant)
    kept = manual.as_credit(found(merchant, by=by, reference="K1"), customer=customer)
    assert kept.credit_minor == Credit.objects.get(customer=customer).remaining_minor == 10_000
    assert mails("surplus:") == [customer.email]
    assert not DeskItem.objects.exists()
    manual.unplaced(found(merchant, by=by, reference="K2"))
    assert DeskItem.objects.get().kind == DeskKind.FOREIGN_MONEY
    assert (books(merchant)["customer_credit"], books(merchant)["unallocated"]) == (-10_000, -10_000)


def test_a_wrong_match_is_taken_back_to_the_cent_once_and_its_reference_is_free_again(merchant, by):
    booking = book(merchant)
    other = book(merchant, email="b@example.com")
    outcome = confirm(claimed(booking, method="venmo"), by=by, amount_minor=12_300, reference="W1")
    assert manual.reverse(outcome.transfer, reason="That was another guest.", by=by)
    assert not manual.reverse(outcome.transfer, reason="That was another guest.", by=by)
    assert books(merchant) == {}
    booking.refresh_from_db()
    payment = outcome.results[0].payment
    payment.refresh_from_db()
    assert (booking.state, booking.instalments.first().open_minor) == ("confirmed", 10_000)
    assert (payment.state, payment.received_minor) == (PaymentState.REVERSED, 0)
    assert Credit.objects.get().remaining_minor == 0
    assert DeskItem.objects.get(kind=DeskKind.MONEY_REVERSED).booking == booking
    assert mails("reversed:") == ["ada@example.com"]
    manual.record(found(merchant, by=by, method="venmo", amount_minor=10_300, reference="W1"), booking=other)
    other.refresh_from_db()
    assert other.state == "confirmed"


def test_a_transfer_of_nobody_that_was_kept_as_income_can_still_be_taken_back(merchant, by):
    outcome = manual.unplaced(found(merchant, by=by, reference="K9"))
    with transaction.atomic():
        moving.to_income(outcome.results[0].payment, key="desk:test")
    assert books(merchant)["other_income"] == -10_000
    assert manual.reverse(outcome.transfer, reason="recalled by the bank", by=by)
    assert books(merchant) == {}


def test_a_transfer_with_a_refund_is_not_taken_back(merchant, by):
    booking = book(merchant)
    outcome = confirm(claimed(booking), by=by)
    Payment.objects.filter(transfer=outcome.transfer).update(refunding_minor=100)
    before = standing(booking)
    with pytest.raises(errors.NotReversible):
        manual.reverse(outcome.transfer, reason="bounced", by=by)
    with pytest.raises(Invalid):
        manual.reverse(outcome.transfer, reason="", by=by)
    assert standing(booking) == before


def test_after_the_event_a_bounced_check_is_owed_as_receivable(merchant, by):
    booking = book(merchant)
    outcome = manual.record(found(merchant, by=by, method="check", reference="7"), booking=booking)
    type(booking).objects.filter(pk=booking.pk).update(state="completed")
    manual.reverse(outcome.transfer, reason="bounced", by=by)
    assert books(merchant) == {"customer_deposits": -10_000, "accounts_receivable": 10_000}


def test_claim_hold_hours_are_limited_by_the_database(merchant):
    with pytest.raises(IntegrityError, match="claim_hold_is_limited"), transaction.atomic():
        Merchant.objects.filter(pk=merchant.pk).update(claim_hold_hours=73)
