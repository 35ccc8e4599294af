"""Transfers at the same moment: two staff, staff and a card, two claims. One effect each, and the surplus is told."""

import pytest
from django.contrib.auth.models import User

from bookings.models import BookingState
from core.models import OutboxEmail
from payments import errors, manual
from payments.models import Claim, Credit, DeskItem, DeskKind, LedgerTransaction, Payment, Receipt, Transfer
from payments.tests.shop import Shop
from payments.tests.test_concurrency import at_once
from payments.tests.test_manual import TODAY, claimed, confirm, found

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(open_to_threads: Shop, settings) -> Shop:
    settings.DOORBELL_ENABLED = False
    open_to_threads.merchant.zelle_contact = "pay@ember.example"
    open_to_threads.merchant.save()
    return open_to_threads


def test_two_staff_confirm_one_claim_and_it_is_booked_once(shop: Shop):
    booking = shop.book()
    said = claimed(booking)
    people = [User.objects.create_user(name) for name in ("casey", "robin", "sasha")]
    refused = at_once(*[lambda who=who: confirm(said, by=who, reference="Z-9") for who in people])
    assert len(refused) == 2
    assert all(isinstance(refusal, errors.AlreadyDecided | errors.ReferenceUsed) for refusal in refused)
    assert (Transfer.objects.count(), Receipt.objects.count()) == (1, 1)
    assert shop.balances()["clearing:zelle"] == 10_000
    assert not Credit.objects.exists()


def test_a_confirmed_claim_and_a_card_for_the_same_instalment_give_one_payment_and_one_credit(shop: Shop):
    booking = shop.book()
    said = claimed(booking)
    card = shop.start(booking).payment
    shop.confirm(card)
    by = User.objects.create_user("casey")
    assert at_once(lambda: confirm(said, by=by), shop.deliver) == []
    booking.refresh_from_db()
    paid = list(Payment.objects.filter(booking=booking, state="succeeded"))
    assert (booking.state, len(paid)) == (BookingState.CONFIRMED, 2)
    assert booking.instalments.get(purpose="deposit").paid_minor == 10_000
    [lot] = Credit.objects.all()
    assert lot.amount_minor == (10_800 if lot.payment == card else 10_000)
    assert shop.balances()["customer_deposits"] == -10_000
    assert DeskItem.objects.get().kind == DeskKind.SURPLUS
    if lot.payment != card:
        assert OutboxEmail.objects.filter(key__startswith="surplus:").count() == 1
    assert Receipt.objects.count() == 2


def test_one_reference_recorded_by_two_at_once_is_one_transfer(shop: Shop):
    first = shop.book()
    second = shop.book(slot=first.slot, email="b@example.com")
    by = User.objects.create_user("casey")
    refused = at_once(
        *[
            lambda booking=booking: manual.record(
                found(shop.merchant, by=by, reference="Z-1"), booking=booking
            )
            for booking in (first, second)
        ]
    )
    assert [type(refusal) for refusal in refused] == [errors.ReferenceUsed]
    assert Transfer.objects.count() == 1
    assert LedgerTransaction.objects.filter(source_key__startswith="transfer:").count() == 1


def test_i_have_sent_it_clicked_twice_at_once_is_one_claim_and_ends_the_open_card(shop: Shop):
    booking = shop.book()
    card = shop.start(booking).payment
    payment = manual.start(booking, method="zelle", actor="customer")

    def say() -> Claim:
        return manual.claim(payment, sender_name="Ada", sent_on=TODAY, actor="customer")

    assert at_once(say, say) == []
    assert Claim.objects.count() == 1
    card.refresh_from_db()
    assert card.state == "canceled"
    assert OutboxEmail.objects.filter(key__startswith="claim:").count() == 1


def test_who_paid_by_card_already_is_told_so_instead_of_claiming(shop: Shop):
    booking = shop.book()
    card = shop.start(booking).payment
    shop.confirm(card)
    payment = manual.start(booking, method="zelle", actor="customer")
    with pytest.raises(errors.AlreadyPaid):
        manual.claim(payment, sender_name="Ada", sent_on=TODAY, actor="customer")
    booking.refresh_from_db()
    assert (booking.state, Claim.objects.count()) == (BookingState.CONFIRMED, 0)
