"""The start page: a person sees the sandbox's objects and acts for customer, bank and clock."""

import pytest
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import violations
from sandbox.tests.support import NO_REDIRECTS, Emulator

pytestmark = pytest.mark.browser


def _open(page: Page, emulator: Emulator, kind: str, *, id: str) -> None:
    page.goto(f"{emulator.url}/#{kind}")
    page.get_by_title(id).click()
    expect(page.get_by_role("heading", name=id)).to_be_visible()


def test_an_open_session_is_paid_as_the_customer(page: Page, emulator: Emulator) -> None:
    session = emulator.session()
    _open(page, emulator, "checkout.session", id=session.id)
    link = page.get_by_role("link", name="Pay as customer")
    expect(link).to_have_attribute("href", session.url)
    assert violations(page) == []


def test_a_card_is_set_up_by_answering_its_challenge_as_the_customer(page: Page, emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({}).id
    token = "pm_card_authenticationRequired"
    wanted = {"customer": customer, "payment_method": token, "confirm": True, **NO_REDIRECTS}
    setup = emulator.v1.setup_intents.create(wanted)
    _open(page, emulator, "setup_intent", id=setup.id)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Answer as the customer").click()
    challenge = opened.value
    expect(challenge.locator("#amount")).to_have_text("Save this card")
    challenge.get_by_role("button", name="Complete authentication").click()
    expect(challenge.get_by_role("heading", name="That was all")).to_be_visible()
    expect(page.get_by_role("cell", name="succeeded")).to_be_visible()
    assert emulator.v1.setup_intents.retrieve(setup.id).status == "succeeded"


def test_a_charge_is_disputed_and_the_dispute_won(page: Page, emulator: Emulator) -> None:
    intent = emulator.pay()
    _open(page, emulator, "charge", id=intent.latest_charge)
    page.get_by_role("button", name="Open a dispute").click()
    expect(page.get_by_role("status")).to_have_text("Open a dispute: done.")
    [dispute] = emulator.v1.disputes.list().data
    _open(page, emulator, "dispute", id=dispute.id)
    page.get_by_role("button", name="Merchant wins").click()
    expect(page.get_by_role("cell", name="won")).to_be_visible()
    assert emulator.v1.disputes.retrieve(dispute.id).status == "won"


def test_a_charge_is_refunded_behind_the_products_back(page: Page, emulator: Emulator) -> None:
    intent = emulator.pay()
    _open(page, emulator, "charge", id=intent.latest_charge)
    page.get_by_role("button", name="Refund what is left").click()
    expect(page.get_by_role("cell", name="refunded")).to_be_visible()
    [refund] = emulator.v1.refunds.list().data
    assert (refund.amount, refund.metadata.to_dict()) == (10800, {})


def test_the_clock_makes_money_available_and_it_is_paid_out(page: Page, emulator: Emulator) -> None:
    emulator.pay()
    page.goto(f"{emulator.url}/#payout")
    page.get_by_role("button", name="Pay out").click()
    expect(page.get_by_role("status")).to_have_text("There is nothing available to pay out.")
    assert emulator.v1.payouts.list().data == []
    expect(page.get_by_role("button", name="Real time")).to_be_hidden()
    page.get_by_role("button", name="+7 days").click()
    expect(page.locator("#available")).to_have_text("$104.57")
    page.get_by_role("button", name="Pay out").click()
    expect(page.get_by_role("cell", name="$104.57")).to_be_visible()
    assert [payout.amount for payout in emulator.v1.payouts.list().data] == [10457]
    page.get_by_role("button", name="Real time").click()
    expect(page.get_by_role("button", name="Real time")).to_be_hidden()
    assert emulator.control("clock")["offset"] == 0


def test_an_event_shows_its_deliveries(page: Page, emulator: Emulator) -> None:
    emulator.pay()
    emulator.delivered()
    event = emulator.v1.events.list().data[0]
    _open(page, emulator, "event", id=event.id)
    expect(page.locator("#deliveries li")).to_contain_text("delivered after 1 try, last answer 200")


def test_a_fault_is_set_and_removed_and_the_request_it_hit_is_listed(page: Page, emulator: Emulator) -> None:
    page.goto(f"{emulator.url}/#faults")
    page.get_by_label("Kind").select_option("rate_limit")
    page.get_by_label("Path or event type").fill("/v1/customers")
    page.get_by_label("Times").fill("2")
    page.get_by_role("button", name="Add fault").click()
    expect(page.get_by_role("cell", name="rate_limit")).to_be_visible()
    assert emulator.raw("/v1/customers").status == 429
    page.get_by_role("row").filter(has_text="rate_limit").get_by_role("button").first.click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#empty")).to_be_visible()
    assert emulator.raw("/v1/customers").status == 200
    page.get_by_role("link", name="Requests").click()
    expect(page.get_by_role("cell", name="429")).to_be_visible()


def test_webhooks_are_held_back_and_let_go(page: Page, emulator: Emulator) -> None:
    page.goto(emulator.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#outstanding")).to_have_text("0, paused")
    emulator.pay()
    expect(page.locator("#outstanding")).not_to_have_text("0, paused")
    page.get_by_role("button", name="Let them go").click()
    expect(page.locator("#outstanding")).to_have_text("0")
