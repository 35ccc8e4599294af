"""The desk: every kind of item is closed by one of its actions, once, and the money ends where it was said to go."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bookings.models import Booking, BookingState
from bookings.tests.factories import MerchantFactory
from core import clock
from core.errors import Forbidden, Invalid
from customers.models import Membership, Role
from payments import credit, errors, manual, refunds, resolution
from payments.models import Account, DeskItem, DeskKind, Payment, Receipt, Refund, RefundState
from payments.resolution import Action
from payments.tests.shop import Shop


@pytest.fixture
def manager(shop: Shop) -> User:
    return staff_of(shop)


def staff_of(shop: Shop, role: str = Role.MANAGER) -> User:
    user = User.objects.create_user(f"{role}@ember.example")
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


def late(shop: Shop, *, state: str = BookingState.CANCELLED) -> DeskItem:
    """A deposit of 108.00 that came when the booking had ended."""
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    Booking.objects.filter(pk=booking.pk).update(state=state, slot=booking.slot)
    if state == BookingState.EXPIRED:
        booking.slot.is_open = False
        booking.slot.save()
    shop.deliver()
    return DeskItem.objects.get()


def foreign(shop: Shop, *, minor: int = 5_000) -> DeskItem:
    shop.stripe.v1.payment_intents.create(
        {
            "amount": minor,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    shop.deliver()
    return DeskItem.objects.latest("pk")


def resolve(item: DeskItem, action: str, by: User, **more: Any) -> DeskItem:
    return resolution.resolve(item, action=action, by=by, reason="as agreed by phone", **more)


def offered(item: DeskItem) -> set[str]:
    return {choice.action for choice in resolution.choices(item)}


def assert_books(shop: Shop) -> None:
    assert shop.tie_out().difference_minor == 0
    for payment in Payment.objects.all():
        parts = payment.placed_minor + payment.credit_minor + payment.unallocated_minor + payment.kept_minor
        assert parts + payment.received_fee_minor == payment.received_minor
    unallocated = sum(refunds.loose(payment)[0] for payment in Payment.objects.all())
    assert unallocated == -shop.balances().get(Account.UNALLOCATED, 0)
    lots = sum(credit.available(row, currency="usd") for row in shop.merchant.customers.all())
    assert lots == -shop.balances().get(Account.CUSTOMER_CREDIT, 0)


def test_late_money_for_all_of_it_pays_all_of_it(shop: Shop, manager: User) -> None:
    booking = shop.book()
    shop.confirm(shop.start(booking, purpose="full").payment)
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.CANCELLED)
    shop.deliver()
    resolve(DeskItem.objects.get(), Action.REINSTATE, manager)
    assert [part.open_minor for part in booking.instalments.all()] == [0, 0]
    assert credit.available(booking.customer, currency="usd") == 0
    assert_books(shop)


def test_late_money_for_all_of_one_booking_pays_of_another_what_is_asked_for_next_as_the_desk_says(
    shop: Shop, manager: User
) -> None:
    booking = shop.book()
    shop.confirm(shop.start(booking, purpose="full").payment)
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.CANCELLED)
    shop.deliver()
    item, other = DeskItem.objects.get(), shop.book(slot=booking.slot)
    [words] = [choice.effect for choice in resolution.choices(item) if choice.action == Action.PLACE]
    assert "asks for next, with its fee; what is left over becomes credit" in words
    resolve(item, Action.PLACE, manager, booking=other)
    assert [part.paid_minor for part in other.instalments.order_by("position")] == [10_000, 0]
    payment = Payment.objects.get()
    assert payment.purpose == "deposit"
    assert credit.available(other.customer, currency="usd") == payment.received_minor - 10_800
    assert_books(shop)


@pytest.mark.parametrize("state", [BookingState.CANCELLED, BookingState.EXPIRED])
def test_late_money_brings_the_booking_back_when_its_time_is_free(
    shop: Shop, manager: User, state: str
) -> None:
    item = late(shop, state=state)
    assert offered(item) == {"reinstate", "place", "credit", "refund", "income"}
    booking = item.booking
    assert booking is not None
    booking.slot.is_open = True
    booking.slot.save()
    item = resolve(item, Action.REINSTATE, manager)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert booking.instalments.get(purpose="deposit").paid_minor == 10_000
    assert (item.closed_by, item.action) == (manager, "reinstate")
    assert "as agreed by phone" in item.resolution
    assert shop.balances()[Account.PROCESSING_FEE_INCOME] == -800
    assert_books(shop)


def test_a_booking_whose_time_is_taken_stays_ended_and_the_item_open(shop: Shop, manager: User) -> None:
    item = late(shop)
    assert item.booking is not None
    slot = item.booking.slot
    slot.capacity = 1
    slot.save()
    shop.book(slot=slot)
    with pytest.raises(Exception, match="taken"):
        resolve(item, Action.REINSTATE, manager)
    item.refresh_from_db()
    assert item.closed_at is None
    assert shop.balances()[Account.UNALLOCATED] == -10_800


def test_late_money_pays_another_booking_with_its_fee_and_the_surplus_becomes_credit(
    shop: Shop, manager: User
) -> None:
    item = late(shop)
    assert item.booking is not None
    other = shop.book(adults=1, slot=item.booking.slot)
    resolve(item, Action.PLACE, manager, booking=other)
    other.refresh_from_db()
    payment = Payment.objects.get()
    assert (payment.booking, payment.placed_minor, payment.received_fee_minor) == (other, 10_000, 800)
    assert other.state == BookingState.CONFIRMED
    assert Receipt.objects.count() == 1
    assert_books(shop)


def test_foreign_money_larger_than_what_is_due_leaves_credit_without_a_fee(shop: Shop, manager: User) -> None:
    item = foreign(shop, minor=20_000)
    booking = shop.book()
    resolve(item, Action.PLACE, manager, booking=booking)
    payment = Payment.objects.get()
    assert (payment.placed_minor, payment.received_fee_minor, payment.credit_minor) == (10_000, 800, 9_200)
    assert credit.available(booking.customer, currency="usd") == 9_200
    assert_books(shop)


def test_foreign_money_is_kept_as_somebodys_credit_or_as_income(shop: Shop, manager: User) -> None:
    first = foreign(shop)
    with pytest.raises(errors.NoCustomer):
        resolve(first, Action.CREDIT, manager)
    booking = shop.book()
    resolve(first, Action.CREDIT, manager, customer=booking.customer)
    resolve(foreign(shop, minor=700), Action.INCOME, manager)
    assert credit.available(booking.customer, currency="usd") == 5_000
    assert shop.balances()[Account.OTHER_INCOME] == -700
    assert_books(shop)


def test_foreign_money_goes_back_once_also_when_the_process_dies_before_the_item_is_closed(
    shop: Shop, manager: User
) -> None:
    item = foreign(shop)
    resolve(item, Action.REFUND, manager)
    DeskItem.objects.filter(pk=item.pk).update(closed_at=None)  # as if we had died in between
    item.refresh_from_db()
    assert "refund" not in offered(item)  # it is gone; nothing can be sent twice
    shop.deliver()
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert_books(shop)


def test_a_surplus_is_used_for_what_is_due_next_or_stays_or_goes_back(shop: Shop, manager: User) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.stripe.v1.payment_intents.create(
        {
            "amount": 10_800,
            "currency": "usd",
            "customer": shop.account.customers.get(customer=booking.customer).stripe_customer_id,
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"payment": str(Payment.objects.get().public_id)},
        }
    )
    shop.deliver()
    item = DeskItem.objects.get()
    assert offered(item) == {"spend", "refund", "credit"}
    resolve(item, Action.SPEND, manager)
    assert booking.instalments.get(purpose="balance").paid_minor == 10_800
    assert_books(shop)


def test_a_surplus_that_came_by_hand_and_is_not_sent_after_all_lies_on_the_desk_in_true_words(
    shop: Shop,
) -> None:
    owner = staff_of(shop, Role.OWNER)
    found = manual.Found(
        merchant=shop.merchant,
        method="cash",
        amount_minor=15_000,
        currency="usd",
        received_on=clock.today(shop.merchant.timezone),
        by=owner,
    )
    manual.record(found, booking=shop.book())
    item = DeskItem.objects.get()
    assert offered(item) == {"spend", "refund", "credit"}
    assert resolve(item, Action.REFUND, owner).resolution.startswith("$50.00: refund approved")
    refunds.withdraw(Refund.objects.get(), by=owner, reason="they keep it as credit")
    back = DeskItem.objects.get(closed_at__isnull=True)
    assert back.summary == "A refund of $50.00 was not sent after all: they keep it as credit"
    words = {choice.action: choice.effect for choice in resolution.choices(back)}
    assert words[Action.RETRY] == "A new refund of $50.00 waits to be sent by hand."
    assert (
        words[Action.NOTED]
        == "Nothing moves: the money stays here as it is, because you settled it with the customer."
    )
    assert_books(shop)


def test_a_refund_that_failed_is_tried_again_as_a_new_one(shop: Shop, manager: User) -> None:
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment, card="pm_card_refundFail")
    shop.deliver()
    payment.refresh_from_db()
    refunds.request(
        payment=payment, amount_minor=5_000, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    shop.sandbox.advance(seconds=14 * 86_400)
    shop.deliver()
    item = DeskItem.objects.get()
    assert offered(item) == {"retry", "noted"}
    resolve(item, Action.RETRY, manager)
    assert Refund.objects.count() == 2


def test_a_hold_that_ended_with_money_is_confirmed_or_ended_with_credit(shop: Shop, manager: User) -> None:
    from payments import reconcile

    held: list[Booking] = []
    for number in range(2):
        booking = shop.book(slot=held[0].slot if held else None, email=f"guest{number}@example.com")
        credit.grant(
            customer=booking.customer, amount_minor=4_000, currency="usd", reason="x", granted_by=None
        )
        credit.spend(booking=booking, purpose="deposit", actor="customer")
        Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now())
        held.append(booking)
    reconcile.expire_holds()
    one, two = DeskItem.objects.filter(kind=DeskKind.HOLD_WITH_MONEY).order_by("pk")
    assert offered(one) == {"confirm", "release"}
    resolve(one, Action.CONFIRM, manager)
    resolve(two, Action.RELEASE, manager)
    states = [Booking.objects.get(pk=booking.pk).state for booking in held]
    assert states == [BookingState.CONFIRMED, BookingState.EXPIRED]
    assert credit.available(held[1].customer, currency="usd") == 4_000
    assert_books(shop)


def test_a_hold_does_not_end_while_a_refund_of_its_money_waits_for_a_second_person(
    shop: Shop, manager: User
) -> None:
    from payments import reconcile

    booking = shop.book()
    shop.merchant.approval_from_minor = 100
    shop.merchant.save()
    found = manual.Found(
        merchant=shop.merchant,
        method="cash",
        amount_minor=4_000,
        currency="usd",
        received_on=clock.today(shop.merchant.timezone),
        by=manager,
    )
    payment = manual.record(found, booking=booking).results[0].payment
    refunds.request(
        payment=payment, amount_minor=1_000, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now())
    reconcile.expire_holds()
    item = DeskItem.objects.get(kind=DeskKind.HOLD_WITH_MONEY)
    with pytest.raises(errors.NotPossible, match="waits to be decided"):
        resolve(item, Action.RELEASE, manager)
    booking.refresh_from_db()
    item.refresh_from_db()
    assert (booking.state, item.closed_at) == (BookingState.HELD, None)
    assert booking.instalments.get(purpose="deposit").paid_minor == 4_000


def test_a_movement_of_stripes_balance_is_booked_to_the_account_chosen(shop: Shop, manager: User) -> None:
    from payments import balance, ledger
    from payments.models import BalanceTransaction

    BalanceTransaction.objects.create(
        gateway_account=shop.account, stripe_id="txn_adj", type="adjustment", source_id="", currency="usd",
        amount_minor=-300, fee_minor=0, net_minor=-300, fee_details=[], stripe_created=clock.now(),
    )  # fmt: skip
    balance.post_due(shop.account)
    item = DeskItem.objects.get()
    assert offered(item) == {"book"}
    with pytest.raises(Invalid):
        resolve(item, Action.BOOK, manager, account="revenue")
    resolve(item, Action.BOOK, manager, account=Account.GATEWAY_FEES)
    balances = ledger.balances(merchant=shop.merchant, currency="usd")
    assert (balances[Account.UNALLOCATED], balances[Account.GATEWAY_FEES]) == (0, 300)


def test_who_may_not_and_what_is_not_offered_changes_nothing(shop: Shop, manager: User) -> None:
    item = late(shop)
    stranger = MerchantFactory.create()
    outsider = User.objects.create_user("outsider")
    Membership.objects.create(user=outsider, merchant=stranger, role=Role.OWNER)
    before = shop.balances()
    for user in (staff_of(shop, Role.CLERK), staff_of(shop, Role.VIEWER), outsider):
        with pytest.raises(Forbidden):
            resolve(item, Action.INCOME, user)
    with pytest.raises(errors.NotPossible):
        resolve(item, Action.RELEASE, manager)
    with pytest.raises(Invalid):
        resolution.resolve(item, action=Action.INCOME, by=manager, reason=" ")
    item.refresh_from_db()
    assert (item.closed_at, shop.balances()) == (None, before)


def test_a_closed_item_says_who_closed_it_and_how(shop: Shop, manager: User) -> None:
    item = resolve(late(shop), Action.CREDIT, manager)
    assert resolution.choices(item) == ()
    with pytest.raises(errors.AlreadyResolved, match="manager@ember"):
        resolve(item, Action.INCOME, manager)
    assert_books(shop)


def test_two_staff_at_once_one_effect(open_to_threads: Shop) -> None:
    shop = open_to_threads
    users = [staff_of(shop), staff_of(shop, Role.OWNER)]
    item = late(shop)
    outcomes: list[str] = []

    def act(user: User) -> None:
        try:
            resolve(item, Action.CREDIT, user)
            outcomes.append("done")
        except errors.AlreadyResolved:
            outcomes.append("was faster")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "was faster"]
    assert_books(shop)


def test_every_kind_of_item_has_an_action(shop: Shop) -> None:
    for kind in DeskKind:
        item = DeskItem(merchant=shop.merchant, kind=kind, key=kind, summary="x")
        assert resolution.choices(item), kind
