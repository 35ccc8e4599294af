"""Two of the staff at two browsers: who asks for a refund cannot approve it, the other can; a day is cancelled."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from bookings.models import Booking, BookingState
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core import clock
from customers.models import Membership, Merchant, Role
from customers.tests.sign_ins import PASSWORD
from payments import bulk, credit, manual
from payments.models import GatewayAccount, Refund, RefundState

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[[str], Page]


@pytest.fixture
def merchant(settings: Settings) -> Merchant:
    settings.STAFF_MFA_REQUIRED = False
    cache.clear()
    merchant = MerchantFactory.create(is_default=True, slug="ember", approval_from_minor=5_000)
    GatewayAccount.objects.create(merchant=merchant)
    for name, role in (("asker", Role.MANAGER), ("second", Role.OWNER)):
        user = User.objects.create_user(name, f"{name}@ember.example", PASSWORD, is_staff=True)
        Membership.objects.create(user=user, merchant=merchant, role=role)
    return merchant


@pytest.fixture
def sign_in(browser: Browser, live_server: LiveServer) -> Iterator[SignIn]:
    contexts = []

    def by(name: str) -> Page:
        contexts.append(browser.new_context())
        page: Page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{live_server.url}/admin/")
        page.get_by_label("E-mail address or user name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("region", name="What needs a person today")).to_be_visible()
        return page

    yield by
    for context in contexts:
        context.close()


def paid_by_zelle(merchant: Merchant) -> Booking:
    booking = booked(merchant=merchant)
    found = manual.Found(
        merchant=merchant,
        method="zelle",
        amount_minor=10_000,
        currency="usd",
        received_on=clock.today(merchant.timezone),
        by=None,
        reference="Z1",
        sender_name="Ada Example",
    )
    manual.record(found, booking=booking)
    return booking


def test_a_refund_is_asked_for_by_one_and_approved_by_another_never_by_who_asked(
    merchant: Merchant, sign_in: SignIn, live_server: LiveServer
) -> None:
    payment = paid_by_zelle(merchant).payments.get()
    asker = sign_in("asker")
    asker.goto(f"{live_server.url}/admin/payments/payment/{payment.pk}/change/")
    asker.locator("a[hx-get$='/refund/']").click()
    dialog = asker.locator("#modal-content")
    expect(dialog.get_by_text("a second person must agree")).to_be_visible()
    expect(dialog.get_by_label("Amount")).to_be_focused()
    asker.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Ask for $100.00")).to_be_focused()
    asker.keyboard.press("Escape")
    expect(asker.locator("a[hx-get$='/refund/']")).to_be_focused()
    asker.keyboard.press("Enter")
    dialog.get_by_label("Reason").fill("Rain all evening")
    dialog.get_by_role("button", name="Ask for $100.00").dblclick()
    expect(asker.get_by_text("waits: a second person must agree").first).to_be_visible()
    refund = Refund.objects.get()
    assert refund.state == RefundState.REQUESTED
    page = f"{live_server.url}/admin/payments/refund/{refund.pk}"
    asker.goto(f"{page}/change/")
    expect(asker.locator("a[hx-get$='/decline/']")).to_be_visible()
    expect(asker.locator("a[hx-get$='/approve/']")).to_have_count(0)
    asker.goto(f"{page}/approve/")  # by its address all the same
    expect(asker.get_by_role("alert")).to_contain_text("Somebody else has to approve")
    expect(asker.get_by_role("button", name="Approve $100.00")).to_have_count(0)
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED

    second = sign_in("second")
    second.goto(f"{live_server.url}/admin/payments/refund/?look=approve")
    second.locator("#result_list tbody a").first.click()
    second.locator("a[hx-get$='/approve/']").click()
    second.locator("#modal-content").get_by_role("button", name="Approve $100.00").click()
    expect(second.get_by_text("Now send $100.00 by hand")).to_be_visible()
    second.locator("a[hx-get$='/sent/']").click()
    dialog = second.locator("#modal-content")
    expect(dialog.get_by_text("Ada Example")).to_be_visible()
    dialog.get_by_label("Reference").fill("ZX-77")
    dialog.get_by_role("button", name="$100.00 was sent").click()
    expect(second.get_by_text("$100.00 went back to the customer.")).to_be_visible()
    refund.refresh_from_db()
    assert (refund.state, refund.reference) == (RefundState.SUCCEEDED, "ZX-77")


class Killed(BaseException):
    """What no handler catches: the worker is gone."""


def a_day_of(number: int, *, merchant: Merchant) -> list[Booking]:
    """So many bookings of one day, their deposits paid by credit."""
    slot = SlotFactory.create(merchant=merchant, capacity=100, starts_at=clock.now() + timedelta(days=20))
    made = [booked(merchant=merchant, slot=slot, email=f"guest{n}@example.com") for n in range(number)]
    for booking in made:
        pay_by_credit(booking, 10_000, purpose="deposit")
    return made


def pay_by_credit(booking: Booking, minor: int, *, purpose: str) -> None:
    credit.grant(customer=booking.customer, amount_minor=minor, currency="usd", reason="x", granted_by=None)
    credit.spend(booking=booking, purpose=purpose, actor="customer")


def test_a_day_of_fifty_is_cancelled_by_two_and_goes_on_after_its_worker_was_killed(
    merchant: Merchant, sign_in: SignIn, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_day_of(50, merchant=merchant)
    asker = sign_in("asker")
    asker.goto(f"{live_server.url}/admin/payments/bulkcancellation/cancel_day/")
    asker.locator("[name=day]").fill(made[0].event_date.isoformat())
    asker.get_by_role("button", name="Show the bookings").click()
    expect(asker.get_by_role("region", name="What would happen").locator("tbody tr")).to_have_count(50)
    asker.get_by_label("Reason").fill("Storm")
    asker.get_by_role("button", name="Ask to cancel 50 bookings").click()
    expect(asker.get_by_text("It waits: a second person")).to_be_visible()
    page = asker.url
    expect(asker.locator("a[hx-get$='/approve/']")).to_have_count(0)
    second = sign_in("second")
    second.goto(page)
    second.locator("a[hx-get$='/approve/']").click()
    second.locator("#modal-content").get_by_role("button", name="Cancel 50 bookings").click()
    expect(second.get_by_text("0 of 50 worked off")).to_be_visible()
    pay_by_credit(made[7], 98_750, purpose="balance")  # its figures are others now

    mark, calls = bulk._mark, []

    def die_at_the_twentieth(item: Any, **values: Any) -> None:
        calls.append(item.pk)
        if len(calls) == 20:
            raise Killed
        mark(item, **values)

    with monkeypatch.context() as dying:
        dying.setattr(bulk, "_mark", die_at_the_twentieth)
        with pytest.raises(Killed):
            bulk.run_due()
    expect(second.get_by_text("19 of 50 worked off")).to_be_visible()  # it polls
    assert bulk.run_due() == 31
    expect(second.get_by_text("50 of 50 worked off")).to_be_visible()
    rows = second.get_by_role("region", name="Bookings").locator("tbody tr")
    expect(rows.first).to_contain_text("changed since it was previewed")
    expect(rows.get_by_text("Cancelled", exact=True)).to_have_count(49)
    assert Refund.objects.filter(state=RefundState.SUCCEEDED).count() == 49
    made[7].refresh_from_db()
    assert made[7].state == BookingState.CONFIRMED
