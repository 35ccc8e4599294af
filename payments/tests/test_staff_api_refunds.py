"""Refunds over the API: previewed, asked for once, agreed to by another, recorded; each role by each door; loyalty."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.models import Booking, BookingState
from core import clock
from core.errors import Forbidden
from customers.authentication import proof, recent
from customers.models import Role
from payments import bulk, cancellation, errors, loyalty, refunds
from payments.models import BulkCancellation, Payment, Refund, RefundState
from payments.tests.shop import Shop
from payments.tests.test_admin_booking_dialogs import by_credit, staff

NOW = {"reason": "Two guests fewer"}


def api(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def just_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = proof.Proof(methods=frozenset({"password"}), at=clock.now())
    monkeypatch.setattr(recent, "proof_of", lambda request: shown)


def post(client: APIClient, path: str, body: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/{path}", body, format="json", headers=headers)


def test_a_refund_is_previewed_to_the_cent_then_asked_for_once_and_agreed_to_by_another(
    shop: Shop, just_signed_in: None
):
    shop.merchant.approval_from_minor = 5_000
    shop.merchant.save()
    payment = shop.paid(shop.book())
    asker, second = staff(shop, Role.MANAGER, "asker")[0], staff(shop, Role.OWNER, "second")[0]
    path = f"payments/{payment.public_id}/refund"
    part = {**NOW, "amount": {"amount": 3_333, "currency": "usd"}}
    told = post(api(asker), f"{path}?preview=1", part).json()
    assert (told["fee"]["amount"], told["total"]["amount"], told["needs_approval"]) == (267, 3_600, False)
    assert "This is $108.00" in post(api(asker), f"{path}?preview=1", NOW).json()["why"]
    assert not Refund.objects.exists()
    answers = [post(api(asker), path, NOW, key="a-key-of-sixteen") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    refund = Refund.objects.get()
    assert refund.state == RefundState.REQUESTED
    own = post(api(asker), f"refunds/{refund.public_id}/approve", {})
    assert (own.status_code, own.json()["code"]) == (403, "own_refund")
    listed = api(second).get("/api/v1/refunds", {"state": "requested"}).json()["results"]
    assert [row["requested_by"] for row in listed] == ["asker"]
    done = post(api(second), f"refunds/{refund.public_id}/approve", {"reason": "seen"}).json()
    assert (done["state"], done["decided_by"]) == ("succeeded", "second")
    assert post(api(second), f"refunds/{refund.public_id}/decline", {"reason": "no"}).json()["code"] == (
        "already_decided"
    )
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]) == 1


def test_two_staff_refund_the_same_payment_and_only_what_came_goes_back(shop: Shop):
    """saleor-dashboard#4474: a double click, or two staff: one refund of the same money."""
    payment = shop.paid(shop.book())
    path = f"payments/{payment.public_id}/refund"
    one, other = staff(shop, Role.MANAGER, "one")[0], staff(shop, Role.OWNER, "other")[0]
    first, second = post(api(one), path, NOW), post(api(other), path, NOW)
    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json()["code"] == "not_refundable"
    payment.refresh_from_db()
    assert payment.refunded_minor + payment.refunding_minor == 10_800


def test_a_payment_never_completed_cannot_be_refunded_over_the_api(shop: Shop):
    """solidus#2926"""
    payment = shop.start(shop.book()).payment
    answer = post(api(staff(shop)[0]), f"payments/{payment.public_id}/refund", NOW)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
    assert not Refund.objects.exists()


def test_a_large_refund_over_the_api_wants_a_recent_sign_in(shop: Shop):
    shop.merchant.reauthenticate_from_minor = 5_000
    shop.merchant.save()
    payment = shop.paid(shop.book())
    answer = post(api(staff(shop)[0]), f"payments/{payment.public_id}/refund", NOW)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    assert not Refund.objects.exists()


def test_a_refund_of_a_booking_is_one_decision_over_its_payments_and_all_of_it_waits(shop: Shop):
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    asker = staff(shop)[0]
    values: dict[str, Any] = {
        "amount_minor": 103_333,
        "cause": "price_reduction",
        "reason": "smoke",
        "requested_by": asker,
        "actor": "test",
        "request_key": "form",
        "authenticated_at": clock.now(),
    }
    plan = refunds.preview_of_booking(booking, amount_minor=103_333, cause="price_reduction")
    assert [part.split.total_minor for part in plan.parts] == [4_583 + 367, 106_650]
    with pytest.raises(errors.PriceChanged):
        refunds.of_booking(booking, expected="other", **values)
    assert not Refund.objects.exists()
    rows = refunds.of_booking(booking, expected=plan.shown, **values)
    again = refunds.of_booking(booking, expected=plan.shown, **values)
    # The smaller part alone would be below the threshold: together they are one decision.
    assert [row.state for row in rows] == [RefundState.REQUESTED] * 2
    assert [row.pk for row in again] == [row.pk for row in rows]
    with pytest.raises(errors.RefundTooLarge):
        refunds.of_booking(booking, **{**values, "request_key": "other"})


def test_loyalty_follows_the_money(shop: Shop, django_assert_num_queries: Any):
    shop.merchant.silver_from_minor, shop.merchant.gold_from_minor = 8_000, 100_000
    shop.merchant.save()
    booking = shop.book()
    payment = shop.paid(booking)
    customer = type(booking.customer).objects.select_related("merchant").get(pk=booking.customer_id)
    with django_assert_num_queries(1):
        stands = loyalty.of(customer)
    assert (stands.tier, stands.kept_minor, stands.next_tier) == ("Silver", 10_000, "Gold")
    assert loyalty.effect(customer, back_minor=5_000) == "Silver is lost"
    _, console = staff(shop)
    page = console.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    assert "$900.00 to Gold" in page
    dialog = reverse("admin:bookings_booking_cancel_booking", args=[booking.pk])
    assert "Silver is lost" in console.post(dialog, {"percent": "100", "_preview": "1"}).content.decode()
    ask: dict[str, Any] = {"cause": "price_reduction", "reason": "x", "requested_by": None, "actor": "test"}
    refunds.request(payment=payment, amount_minor=1_000, as_credit=True, **ask)
    assert loyalty.kept(customer) == 9_000
    refunds.request(payment=payment, amount_minor=4_000, **ask)
    assert loyalty.of(customer).tier == loyalty.NONE
    assert loyalty.kept(customer) == 5_000


# Each role by each use case: who may not is refused there, whatever door they came by. ----------------

Act = Callable[[Shop, User, Booking, Payment], object]


def _requested(payment: Payment) -> Refund:
    Payment.objects.filter(pk=payment.pk).update(refunding_minor=100)
    return Refund.objects.create(
        payment=payment,
        cause="price_reduction",
        reason="x",
        currency="usd",
        amount_minor=100,
        total_minor=100,
    )


def _by_hand(payment: Payment) -> Refund:
    refund = _requested(payment)
    Refund.objects.filter(pk=refund.pk).update(state="approved", route="manual")
    return refund


def _bulk(shop: Shop, user: User, booking: Booking) -> object:
    shown = bulk.preview(shop.merchant, day=booking.event_date, terms="full").shown
    return bulk.request(
        shop.merchant,
        day=booking.event_date,
        terms="full",
        reason="storm",
        by=user,
        expected=shown,
        authenticated_at=clock.now(),
    )


def _asked(shop: Shop, booking: Booking) -> BulkCancellation:
    other = User.objects.create_user("another")
    return BulkCancellation.objects.create(
        merchant=shop.merchant,
        day=booking.event_date,
        terms="full",
        reason="x",
        requested_by=other,
        refund_minor=1,
    )


ACTS: dict[str, Act] = {
    "approve": lambda shop, user, booking, payment: refunds.decline(
        _requested(payment), by=user, reason="no"
    ),
    "decide": lambda shop, user, booking, payment: bulk.decide(
        _asked(shop, booking), by=user, agreed=False, authenticated_at=clock.now()
    ),
    "sent": lambda shop, user, booking, payment: refunds.withdraw(_by_hand(payment), by=user, reason="no"),
    "cancel": lambda shop, user, booking, payment: cancellation.cancel(
        booking, actor="test", by=user, reason="storm"
    ),
    "cancel a day": lambda shop, user, booking, payment: _bulk(shop, user, booking),
    "retry a day": lambda shop, user, booking, payment: bulk.retry(_asked(shop, booking), by=user),
}
MAY = {Role.VIEWER: False, Role.CLERK: False, Role.MANAGER: True, Role.OWNER: True}


@pytest.mark.parametrize("role", list(MAY))
def test_each_role_by_each_money_action_is_what_the_table_says(shop: Shop, role: Role):
    from django.db import transaction

    booking = shop.book()
    payment = by_credit(shop, booking)
    user, _ = staff(shop, role)
    booking.refresh_from_db()
    for name, act in ACTS.items():
        with transaction.atomic():
            if MAY[role]:
                act(shop, user, booking, payment)
            else:
                with pytest.raises(Forbidden):
                    act(shop, user, booking, payment)
            transaction.set_rollback(True)
        booking.refresh_from_db()
        assert booking.state == BookingState.CONFIRMED, name


def test_who_had_to_prove_it_first_repeats_with_the_same_key_and_keys_are_each_persons_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.merchant.reauthenticate_from_minor = 1
    shop.merchant.save()
    payment = shop.paid(shop.book())
    path, part = f"payments/{payment.public_id}/refund", {**NOW, "amount": 1_000}
    asker, other = staff(shop, Role.MANAGER, "asker")[0], staff(shop, Role.OWNER, "other")[0]
    refused = post(api(asker), path, part, key="a-key-of-sixteen")
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    shown = proof.Proof(methods=frozenset({"password"}), at=clock.now())
    monkeypatch.setattr(recent, "proof_of", lambda request: shown)
    for person in (asker, other, asker):
        assert post(api(person), path, part, key="a-key-of-sixteen").status_code == 201
    assert Refund.objects.count() == 2
