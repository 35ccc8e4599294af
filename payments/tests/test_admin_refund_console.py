"""The refund console: tabs of what waits, decided by a second person, sent by hand; whole days are cancelled."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, BookingState
from bookings.tests.factories import SlotFactory
from core import clock
from customers.models import Role
from payments import bulk, manual, refunds
from payments.models import BulkCancellation, BulkState, Payment, Refund, RefundState
from payments.tests.shop import Shop
from payments.tests.test_admin_booking_dialogs import by_credit, send, staff


@pytest.fixture(autouse=True)
def just_signed_in(monkeypatch: pytest.MonkeyPatch):
    """Everybody proved a moment ago who they are; that it is asked for has tests of its own."""
    from customers.authentication import proof, recent

    shown = proof.Proof(methods=frozenset({"password"}), at=clock.now())
    monkeypatch.setattr(recent, "proof_of", lambda request: shown)


@pytest.fixture
def by_zelle(shop: Shop) -> Payment:
    """The deposit of 100.00, received by Zelle."""
    booking = shop.book()
    manual.record(
        manual.Found(
            merchant=shop.merchant,
            method="zelle",
            amount_minor=10_000,
            received_on=clock.today(shop.merchant.timezone),
            reference="Z1",
            sender_name="Ada Example",
            currency="usd",
            by=None,
            request_key="z1",
        ),
        booking=booking,
    )
    return Payment.objects.get(booking=booking)


def action(refund: Refund, name: str) -> str:
    return reverse(f"admin:payments_refund_{name}", args=[refund.pk])


def listed(client: Client, look: str) -> str:
    answer = client.get(reverse("admin:payments_refund_changelist"), {"look": look})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_came_by_zelle_waits_for_another_then_to_be_sent_and_is_done_when_recorded(
    shop: Shop, by_zelle: Payment
):
    shop.merchant.approval_from_minor = 5_000
    shop.merchant.save()
    asker, asking = staff(shop, Role.MANAGER, "asker")
    _, second = staff(shop, Role.OWNER, "second")
    payment_url = reverse("admin:payments_payment_refund", args=[by_zelle.pk])
    html = asking.get(payment_url).content.decode()
    assert "a second person must agree" in html
    assert "Ask for $100.00" in html
    assert send(asking, payment_url).status_code == 302
    refund = Refund.objects.get()
    assert (refund.state, refund.requested_by) == (RefundState.REQUESTED, asker)
    page = asking.get(reverse("admin:payments_refund_change", args=[refund.pk])).content.decode()
    assert "waits: a second person must agree" in page
    assert action(refund, "approve") not in page
    assert action(refund, "decline") in page
    assert ("Withdraw" in page, "Decline<" in page.replace(" ", "").replace("\n", "")) == (True, False)
    theirs = second.get(reverse("admin:payments_refund_change", args=[refund.pk])).content.decode()
    assert ("Withdraw" in theirs, "Decline" in theirs) == (False, True)
    own = send(asking, action(refund, "approve"))
    assert "Somebody else has to approve" in own.content.decode()
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED
    assert "To approve <span>1</span>" in listed(second, "approve")
    assert send(second, action(refund, "approve")).status_code == 302
    waiting = listed(second, "send")
    assert "Send to Ada Example" in waiting
    sent = send(asking, action(refund, "sent"), reference="ZX-77")
    assert sent.status_code == 302
    shown = asking.get(sent.headers["Location"]).content.decode()
    assert ("Sent to Stripe" in shown, "user:" in shown, "asker" in shown) == (False, False, True)
    refund.refresh_from_db()
    assert (refund.state, refund.reference) == (RefundState.SUCCEEDED, "ZX-77")
    assert "ZX-77" in asking.get(reverse("admin:payments_refund_change", args=[refund.pk])).content.decode()


def test_declining_wants_a_reason_and_moves_nothing(shop: Shop, by_zelle: Payment):
    shop.merchant.approval_from_minor = 5_000
    shop.merchant.save()
    _, asking = staff(shop, Role.MANAGER, "asker")
    _, second = staff(shop, Role.OWNER, "second")
    send(asking, reverse("admin:payments_payment_refund", args=[by_zelle.pk]))
    refund = Refund.objects.get()
    assert send(second, action(refund, "decline"), reason=" ").status_code == 200
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED
    assert send(second, action(refund, "decline"), reason="they were served").status_code == 302
    refund.refresh_from_db()
    by_zelle.refresh_from_db()
    assert (refund.state, by_zelle.refunding_minor) == (RefundState.DECLINED, 0)
    for name in ("approve", "decline", "sent", "withdraw"):
        late = asking.get(action(refund, name))
        assert (late.context["effect"], "refund " in late.context["refusal"]) == (None, True), name
    assert refunds.refundable(by_zelle) == 10_000


def day(shop: Shop, *, bookings: int) -> list[Booking]:
    slot = SlotFactory.create(
        merchant=shop.merchant, capacity=100, starts_at=clock.now() + timedelta(days=20)
    )
    made = [shop.book(slot=slot, email=f"guest{number}@example.com") for number in range(bookings)]
    for booking in made:
        by_credit(shop, booking)
    return made


def test_a_day_is_previewed_asked_for_agreed_to_by_another_and_resumed_after_a_kill(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    class Killed(BaseException):
        """What no handler catches."""

    made = day(shop, bookings=5)
    _, asking = staff(shop, Role.MANAGER, "asker")
    _, second = staff(shop, Role.OWNER, "second")
    url = reverse("admin:payments_bulkcancellation_cancel_day")
    entries = {
        "merchant": shop.merchant.pk,
        "day": made[0].event_date.isoformat(),
        "terms": "full",
        "reason": "storm",
        "request_key": "once",
    }
    page = asking.post(url, {**entries, "_preview": "1"})
    assert page.content.decode().count("$100.00") == 5
    assert "Ask to cancel 5 bookings" in page.content.decode()
    sent = {**entries, "shown": page.context["preview"].shown, "_ask": "1"}
    answers = [asking.post(url, sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    asked = BulkCancellation.objects.get()
    approve = reverse("admin:payments_bulkcancellation_approve", args=[asked.pk])
    own = asking.get(asked_url(asked)).content.decode()
    assert (approve in own, "Withdraw" in own) == (False, True)
    assert "Somebody else" in send(asking, approve).content.decode()
    assert send(second, approve).status_code == 302
    assert "This is running" in asking.get(approve).content.decode()
    by_credit(shop, made[1], 98_750, "balance")  # its figures are others now

    calls: list[int] = []
    mark = bulk._mark

    def die_in_the_middle(item, **values):
        calls.append(item.pk)
        if len(calls) == 4:
            raise Killed
        mark(item, **values)

    with monkeypatch.context() as dying:
        dying.setattr(bulk, "_mark", die_in_the_middle)
        with pytest.raises(Killed):
            bulk.run_due()
    shown = second.get(asked_url(asked)).content.decode()
    assert "3 of 5 worked off" in shown
    assert 'hx-trigger="every 2s"' in shown
    assert bulk.run_due() == 2
    shown = second.get(asked_url(asked)).content.decode()
    assert "5 of 5 worked off" in shown
    assert 'hx-trigger="every 2s"' not in shown
    assert "changed since it was previewed" in shown
    asked.refresh_from_db()
    assert asked.state == BulkState.DONE
    states = list(Booking.objects.order_by("pk").values_list("state", flat=True))
    assert states.count(BookingState.CANCELLED) == 4
    assert states[1] == BookingState.CONFIRMED
    assert Refund.objects.filter(state=RefundState.SUCCEEDED).count() == 4
    retry = reverse("admin:payments_bulkcancellation_retry", args=[asked.pk])
    assert send(asking, retry).status_code == 302
    asked.refresh_from_db()
    assert asked.state == BulkState.RUNNING


def asked_url(asked: BulkCancellation) -> str:
    return reverse("admin:payments_bulkcancellation_change", args=[asked.pk])
