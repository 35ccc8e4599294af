"""Rescheduling, cancelling, credit and paying in full over the API: shown, then done as shown, by whom it may be."""

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache

from bookings.models import Booking, BookingState
from bookings.tests.factories import CustomerFactory, MerchantFactory, booked
from core import clock
from payments import credit, manual, refunds
from payments.models import Cancellation, Payment, Refund, RefundRoute, RefundState
from payments.tests.api_world import holder_of, later_slot, staff_of
from payments.tests.customer_world import fresh, signed_in, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True, zelle_contact="pay@ember.example", zelle_name="Ember LLC")


@pytest.fixture
def clerk(merchant):
    return staff_of(merchant, role="clerk")


@pytest.fixture
def booking(merchant):
    """660.00, its deposit of 100.00 paid in cash."""
    made = booked(merchant=merchant)
    manual.record(
        manual.Found(
            merchant=merchant,
            method="cash",
            amount_minor=10_000,
            currency="usd",
            by=None,
            received_on=clock.today(merchant.timezone),
            reference="Till 1",
        ),
        booking=made,
    )
    return fresh(made)


def usd(amount):
    return {"amount": amount, "currency": "usd"}


def ask(client, booking, route, *, preview=False, key=None, **body):
    address = f"/api/v1/bookings/{booking.code}/{route}{'?preview=1' if preview else ''}"
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(address, body, format="json", headers=headers)


def strangers(merchant, booking):
    other = booked(merchant=merchant, slot=later_slot(merchant), email="else@example.com")
    elsewhere = MerchantFactory.create()
    return [holder_of(other), staff_of(elsewhere, role="owner"), staff_of(merchant, role="viewer")]


def test_rescheduling_tells_the_fee_first_then_moves_once_and_staff_may_waive_it(merchant, booking, clerk):
    Booking.objects.filter(pk=booking.pk).update(
        agreement={**booking.agreement, "move": {"days_before": 7, "fee_minor": 2_500}}
    )
    slot, client = later_slot(merchant), holder_of(booking)
    before = stored(booking)
    wanted = {"slot": str(slot.public_id)}
    shown = ask(client, booking, "reschedule", preview=True, **wanted).json()
    assert (shown["before"], shown["total"], shown["fee"]) == (usd(66_000), usd(68_500), usd(2_500))
    assert shown["starts_at"] == slot.starts_at.astimezone(ZoneInfo(merchant.timezone)).isoformat()
    assert [(part["purpose"], part["amount"]["amount"]) for part in shown["plan"]] == [
        ("deposit", 10_000),
        ("balance", 58_500),
    ]
    told = ask(client, booking, "reschedule", **wanted)
    assert (told.status_code, told.json()["code"], told.json()["total"]) == (
        422,
        "changes_price",
        usd(68_500),
    )
    wrong = ask(client, booking, "reschedule", **wanted, expected_total=usd(66_000))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "price_changed")
    assert ask(client, booking, "reschedule", **wanted, waive_fee=True).status_code == 403
    gone = ask(client, booking, "reschedule", slot=str(uuid.uuid4()))
    assert (gone.status_code, gone.json()["errors"][0]["field"]) == (422, "slot")
    for stranger in strangers(merchant, booking):
        assert ask(stranger, booking, "reschedule", **wanted).status_code == 404
    assert stored(booking) == before
    key = str(uuid.uuid4())
    for _ in range(2):
        moved = ask(client, booking, "reschedule", **wanted, expected_total=usd(68_500), key=key)
        assert (moved.status_code, moved.json()["total"]) == (200, usd(68_500))
    assert ask(client, booking, "reschedule", **wanted, expected_total=usd(68_500)).status_code == 200
    assert fresh(booking).edits.count() == 1
    free = ask(clerk, booking, "reschedule", slot=str(later_slot(merchant).public_id), waive_fee=True)
    assert (free.status_code, free.json()["total"]) == (200, usd(68_500))


def test_a_full_time_moves_nobody(merchant, booking):
    slot = later_slot(merchant)
    booked(merchant=merchant, slot=slot, email="else@example.com")
    before = stored(booking)
    answer = ask(holder_of(booking), booking, "reschedule", slot=str(slot.public_id))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert stored(booking) == before


def test_too_late_for_customers_is_not_too_late_for_staff(merchant, booking, clerk):
    Booking.objects.filter(pk=booking.pk).update(starts_at=clock.now() + timedelta(days=6))
    slot, client = later_slot(merchant), holder_of(booking)
    before = stored(booking)
    address = f"/api/v1/bookings/{booking.code}"
    for answer in (
        ask(client, booking, "reschedule", slot=str(slot.public_id)),
        ask(client, booking, "reschedule", preview=True, slot=str(slot.public_id)),
        client.patch(address, {"adults": 9}, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "too_late_online")
    assert client.patch(address, {"notes": "Nuts"}, format="json").status_code == 200
    Booking.objects.filter(pk=booking.pk).update(customer_notes="")
    assert stored(booking) == before
    told = clerk.patch(address, {"adults": 9}, format="json")
    assert (told.json()["code"], told.json()["total"]) == ("changes_price", usd(60_000))
    assert ask(clerk, booking, "reschedule", slot=str(slot.public_id)).status_code == 200


def test_cancelling_asks_for_the_figures_of_its_preview_and_does_them_once(merchant, booking, clerk):
    client = holder_of(booking)
    before = stored(booking)
    shown = ask(client, booking, "cancel", preview=True).json()
    assert (shown["percent"], shown["paid"], shown["refund"], shown["kept"]) == (
        100,
        usd(10_000),
        usd(10_000),
        usd(0),
    )
    [part] = shown["returned"]
    assert (part["route"], part["method"], part["total"]) == ("manual", "cash", usd(10_000))
    missing = ask(client, booking, "cancel")
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "expected")
    wrong = ask(client, booking, "cancel", expected="100|1|0|")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "price_changed")
    other_way = ask(client, booking, "cancel", expected=shown["expected"], as_credit=True)
    assert other_way.json()["code"] == "price_changed"
    assert ask(client, booking, "cancel", expected=shown["expected"], percent=100).status_code == 403
    assert ask(clerk, booking, "cancel", expected=shown["expected"], reason="Storm").status_code == 403
    for stranger in strangers(merchant, booking):
        assert ask(stranger, booking, "cancel", expected=shown["expected"]).status_code == 404
    assert stored(booking) == before
    key = str(uuid.uuid4())
    answers = [ask(client, booking, "cancel", expected=shown["expected"], key=key) for _ in range(2)]
    answers.append(ask(client, booking, "cancel", expected=shown["expected"]))
    for answer in answers:
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert [(one["route"], one["total"]) for one in answer.json()["refunds"]] == [("manual", usd(10_000))]
    assert (Cancellation.objects.count(), Refund.objects.count()) == (1, 1)
    assert fresh(booking).state == BookingState.CANCELLED
    settled = ask(client, booking, "cancel", preview=True)
    assert (settled.status_code, settled.json()["code"]) == (409, "booking_settled")


def test_staff_cancel_with_a_reason_and_a_share_of_their_own(merchant, booking):
    manager = staff_of(merchant, role="manager")
    shown = ask(manager, booking, "cancel", preview=True, percent=50).json()
    assert (shown["percent"], shown["policy_percent"], shown["kept"]) == (50, 100, usd(5_000))
    sent = {"expected": shown["expected"], "percent": 50}
    assert ask(manager, booking, "cancel", **sent).json()["errors"][0]["field"] == "reason"
    done = ask(manager, booking, "cancel", **sent, reason="Agreed by phone").json()
    assert (done["percent"], done["refund"]) == (50, usd(5_000))
    assert Cancellation.objects.get().requested_by is not None


def test_a_cancellation_may_leave_credit_which_its_customer_sees_and_spends(merchant, booking):
    client = holder_of(booking)
    shown = ask(client, booking, "cancel", preview=True, as_credit=True).json()
    ask(client, booking, "cancel", expected=shown["expected"], as_credit=True)
    refunds.send_due()
    refund = Refund.objects.get()
    assert (refund.route, refund.state) == (RefundRoute.CREDIT, RefundState.SUCCEEDED)
    ada = signed_in(booking.customer)
    assert ada.get("/api/v1/customers/me").json()["credit"] == usd(10_000)
    again = booked(merchant=merchant, slot=later_slot(merchant))
    assert again.customer_id == booking.customer_id
    body = {"booking": again.code, "purpose": "deposit"}
    before = stored(again)
    refused = [
        (holder_of(again), body, 403),
        (signed_in(CustomerFactory.create(merchant=merchant)), body, 404),
        (staff_of(MerchantFactory.create(), role="owner"), body, 404),
        (ada, {**body, "purpose": "balance"}, 409),
        (ada, {**body, "amount": 0}, 422),
        (ada, {**body, "amount": {"amount": 10, "currency": "eur"}}, 422),
    ]
    for caller, sent, status in refused:
        assert spend(caller, sent).status_code == status, sent
    assert stored(again) == before
    key = str(uuid.uuid4())
    for _ in range(2):
        part = spend(ada, {**body, "amount": usd(4_000)}, key=key)
        assert (part.status_code, part.json()["total"], part.json()["method"]) == (201, usd(4_000), "credit")
    assert spend(staff_of(merchant, role="clerk"), body).json()["amount"] == usd(6_000)
    assert spend(ada, body).json()["code"] == "nothing_to_pay"
    assert ada.get("/api/v1/customers/me").json()["credit"] == usd(0)
    assert Payment.objects.filter(method="credit").count() == 2
    assert fresh(again).state == BookingState.CONFIRMED


def spend(client, body, *, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/payments/credit", body, content_type="application/json", headers=headers)


def test_all_that_is_open_is_paid_at_once_and_emptied_parts_are_not_in_the_plan(merchant):
    booking = booked(merchant=merchant)
    client = holder_of(booking)
    body = {"booking": booking.code, "method": "zelle", "purpose": "full"}
    told = client.post("/api/v1/payments/manual", body, format="json").json()
    assert (told["payment"]["purpose"], told["instructions"]["total"]) == ("full", usd(66_000))
    credit.grant(
        customer=booking.customer, amount_minor=90_000, currency="usd", reason="Sorry", granted_by=None
    )
    ada = signed_in(booking.customer)
    assert spend(ada, {"booking": booking.code, "purpose": "full"}).json()["code"] == "nothing_to_pay"
    booking.instalments.filter(purpose="balance").update(amount_minor=0)
    booking.instalments.filter(purpose="deposit").update(amount_minor=66_000)
    plan = client.get(f"/api/v1/bookings/{booking.code}").json()["plan"]
    assert [(part["purpose"], part["amount"]) for part in plan] == [("deposit", usd(66_000))]
    [listed] = client.get("/api/v1/bookings").json()["results"]
    assert listed["plan"] == plan
