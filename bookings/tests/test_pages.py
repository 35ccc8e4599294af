"""The public pages without a browser: prices shown, forms refused in words, one booking per page sent."""

import re
import secrets
import uuid
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from bookings.models import AddOn, Booking, Menu, Per, Slot
from bookings.page_home import policy_sentence
from bookings.tests.factories import (
    AddOnFactory,
    MenuFactory,
    MerchantFactory,
    SlotFactory,
    TaxRateFactory,
    booked,
)
from core.models import OutboxEmail
from customers.models import Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return MerchantFactory.create(
        is_default=True, name="Ember Test Kitchen", zelle_contact="pay@ember.example", venmo_handle="ember"
    )


@pytest.fixture
def menu(merchant: Merchant) -> Menu:
    return MenuFactory.create(merchant=merchant, name="Classic")


@pytest.fixture
def slot(merchant: Merchant) -> Slot:
    return SlotFactory.create(merchant=merchant)


def form(menu: Menu, slot: Slot, **changes: Any) -> dict[str, Any]:
    values = {
        "token": uuid.uuid4(),
        "slot": slot.public_id,
        "adults": "10",
        "children": "2",
        "menu": menu.pk,
        "street": "12 Garden Lane",
        "city": "San Francisco",
        "region": "CA",
        "postal_code": "94110",
        "contact_name": "Robin Sample",
        "contact_email": "robin@example.com",
        "terms_accepted": "on",
    }
    return {**values, **changes}


def test_the_start_page_lists_the_cards_price_and_what_zelle_costs(client: Client, menu: Menu) -> None:
    page = client.get("/").content.decode()
    assert "$64.80" in page  # 60.00 with the card's 8 %
    assert "$60.00 with Zelle" in page


def test_a_surcharging_merchant_lists_the_price_without_the_fee(
    client: Client, merchant: Merchant, menu: Menu
) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(card_fee_rate="0.03", fee_presentation="surcharge")
    page = client.get("/").content.decode()
    assert "$60.00" in page
    assert "with Zelle" not in page
    assert page.count("a card adds 3 %") == 2  # Beside the prices, and where the deposit is told.


def test_inactive_menus_and_other_merchants_menus_are_not_shown(
    client: Client, merchant: Merchant, menu: Menu
) -> None:
    MenuFactory.create(merchant=merchant, name="Retired", is_active=False)
    MenuFactory.create(name="Somebody else's")
    page = client.get("/").content.decode()
    assert "Classic" in page
    assert "Retired" not in page
    assert "Somebody else" not in page


def test_a_sent_form_becomes_a_held_booking_that_this_browser_may_pay(
    client: Client, menu: Menu, slot: Slot
) -> None:
    answer = client.post("/book/", form(menu, slot))
    booking = Booking.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/b/{booking.code}/pay")
    assert (booking.state, booking.adults, booking.contact_name) == ("held", 10, "Robin Sample")
    mail = OutboxEmail.objects.get()
    assert mail.to == "robin@example.com"
    assert f"/b/{booking.code}?t=" in mail.text
    assert "$108.00" in mail.text
    assert "$108.00" in mail.html


def test_the_same_page_sent_twice_books_once(client: Client, menu: Menu, slot: Slot) -> None:
    sent = form(menu, slot)
    first, second = client.post("/book/", sent), client.post("/book/", sent)
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 1
    assert OutboxEmail.objects.count() == 1


def test_nobody_takes_the_whole_calendar_by_sending_the_form_again_and_again(
    client: Client, menu: Menu, merchant: Merchant, settings: Settings
) -> None:
    settings.THROTTLE_BOOKING_PAGE = "2/min"
    slot = SlotFactory.create(merchant=merchant, capacity=9)
    visitor = f"2001:db8::{secrets.randbelow(9999):x}:0:0:0:1"
    answers = [client.post("/book/", form(menu, slot), REMOTE_ADDR=visitor) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert "Too many bookings came from your network" in answers[-1].content.decode()
    assert "12 Garden Lane" in answers[-1].content.decode()
    assert Booking.objects.count() == 2
    assert client.post("/book/", form(menu, slot), REMOTE_ADDR="198.51.100.7").status_code == 302


def test_every_problem_is_told_beside_its_field_and_nothing_is_lost(
    client: Client, menu: Menu, slot: Slot
) -> None:
    sent = form(menu, slot, contact_name="", postal_code="9411", contact_email="robin@", terms_accepted="")
    answer = client.post("/book/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    for field in ("contact_name", "postal_code", "contact_email"):
        assert f'id="id_{field}_error"' in page
    assert "Type a ZIP code like 94110." in page
    assert "Please accept the terms to book." in page
    assert 'value="12 Garden Lane"' in page
    assert re.search(rf'value="{slot.public_id}" checked', page)
    assert Booking.objects.count() == 0


def test_problems_that_only_the_use_case_knows_land_beside_their_fields(
    client: Client, menu: Menu, slot: Slot
) -> None:
    page = client.post(
        "/book/", form(menu, slot, postal_code="9411", contact_email="robin@")
    ).content.decode()
    assert "Type a ZIP code like 94110." in page
    assert 'id="id_postal_code_error"' in page
    assert 'id="id_contact_email_error"' in page


def test_a_time_taken_meanwhile_is_told_and_the_rest_of_the_form_stays(
    client: Client, merchant: Merchant, menu: Menu, slot: Slot
) -> None:
    booked(slot=slot)
    answer = client.post("/book/", form(menu, slot))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody else has just taken that time." in page
    assert 'value="Robin Sample"' in page
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    "broken", [{"slot": "x"}, {"token": ""}, {"adults": "-1"}, {"menu": "x"}, {"adults": "9" * 30}]
)
def test_a_mangled_form_is_refused_not_a_crash(
    client: Client, menu: Menu, slot: Slot, broken: dict[str, str]
) -> None:
    sent = {**form(menu, slot), **broken}
    assert client.post("/book/", sent).status_code == 422
    assert client.post("/book/price", sent).status_code == 200


def test_the_live_price_has_lines_tax_the_cards_total_and_what_transfers_save(
    client: Client, merchant: Merchant, menu: Menu, slot: Slot
) -> None:
    TaxRateFactory.create(merchant=merchant, postal_prefix="94")
    noodles = AddOnFactory.create(merchant=merchant, name="Garlic noodles", price_minor=500)
    tails = AddOnFactory.create(merchant=merchant, name="Lobster tail", per=Per.UNIT, price_minor=1_800)
    chosen = {f"add_on_{noodles.pk}": "on", f"add_on_{tails.pk}": "3"}
    page = client.post("/book/price", form(menu, slot, **chosen)).content.decode()
    # 600 + 60 + 12 x 5 + 3 x 18 = 774.00; tax 67.73; by card 8 %, rounded for deposit and balance each
    for words in ("10 × $60.00", "12 × $5.00", "3 × $18.00", "$67.73", "$909.07", "Save $67.34", "$108.00"):
        assert words in page, words


def test_without_a_zip_code_the_price_says_that_tax_will_be_settled(
    client: Client, merchant: Merchant, menu: Menu, slot: Slot
) -> None:
    TaxRateFactory.create(merchant=merchant, postal_prefix="94")
    page = client.post("/book/price", form(menu, slot, postal_code="")).content.decode()
    assert "once we know the ZIP code" in page
    assert "Sales tax" not in page


def test_asking_for_the_price_without_scripts_keeps_the_form_and_complains_of_nothing(
    client: Client, menu: Menu, slot: Slot
) -> None:
    answer = client.post("/book/", form(menu, slot, preview="1", contact_name="", terms_accepted=""))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="problems"' not in page
    assert 'value="12 Garden Lane"' in page
    assert Booking.objects.count() == 0


def test_the_booking_page_asks_the_database_the_same_however_much_is_offered(
    client: Client,
    merchant: Merchant,
    menu: Menu,
    slot: Slot,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    queries = 9
    client.get("/book/")  # The first visitor finds no terms stored yet.
    with django_assert_num_queries(queries):
        client.get("/book/")
    MenuFactory.create_batch(3, merchant=merchant)
    AddOnFactory.create_batch(5, merchant=merchant)
    for day in range(10, 15):
        SlotFactory.create(
            merchant=merchant, starts_at=slot.starts_at.replace(day=day, year=slot.starts_at.year + 1)
        )
    with django_assert_num_queries(queries):
        client.get("/book/")


def test_an_add_on_sold_by_the_unit_starts_at_none(client: Client, merchant: Merchant, menu: Menu) -> None:
    tail: AddOn = AddOnFactory.create(merchant=merchant, per=Per.UNIT)
    page = client.get("/book/").content.decode()
    assert re.search(rf'name="add_on_{tail.pk}" value="0"', page)


def test_text_pages_name_their_version_and_the_policys_brackets(client: Client, merchant: Merchant) -> None:
    for path in ("/terms", "/privacy", "/refunds-policy"):
        assert b"Version 1" in client.get(path).content
    assert "50 % of what you paid" in client.get("/refunds-policy").content.decode()


def test_a_policy_is_told_in_one_sentence() -> None:
    brackets = [
        {"days_before": 14, "refund_percent": 100},
        {"days_before": 7, "refund_percent": 50},
        {"days_before": 0, "refund_percent": 0},
    ]
    assert policy_sentence(brackets) == (
        "All of it back up to 14 days before, half back up to 7 days before, nothing after that."
    )
    assert policy_sentence([{"days_before": 0, "refund_percent": 0}]) == "Payments are not returned."


def test_who_goes_back_to_a_time_they_hold_themselves_is_led_on_to_that_booking(
    client: Client, merchant: Merchant, menu: Menu, slot: Slot
) -> None:
    assert slot.capacity == 1
    client.post("/book/", form(menu, slot))
    made = Booking.objects.get()
    again = client.post("/book/", form(menu, slot, adults="11"))
    assert again.status_code == 422
    page = again.content.decode()
    assert "You hold this time already" in page
    assert f'href="/b/{made.code}"' in page
    assert f'href="/b/{made.code}"' in client.get("/book/").content.decode()
    stranger = Client().post("/book/", form(menu, slot, adults="12")).content.decode()
    assert "Somebody else has just taken that time" in stranger
    assert made.code not in stranger
    assert Booking.objects.count() == 1


def test_a_transfer_that_the_caterer_does_not_take_is_advertised_nowhere(
    client: Client, merchant: Merchant, menu: Menu, slot: Slot
) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(offers_zelle=False, venmo_handle="")
    pages = [client.get("/"), client.get("/book/"), client.post("/book/price", form(menu, slot))]
    for page in pages:
        assert "Zelle" not in page.content.decode()
        assert "Venmo" not in page.content.decode()
    Merchant.objects.filter(pk=merchant.pk).update(venmo_handle="ember")
    home = client.get("/").content.decode()
    assert "with Venmo" in home
    assert "Zelle" not in home
    assert "write to us and name" not in home


@pytest.mark.parametrize(("field", "typed"), [("adults", "999"), ("children", "-3")])
def test_a_number_out_of_bounds_is_named_with_its_bound(
    client: Client, menu: Menu, slot: Slot, field: str, typed: str
) -> None:
    page = client.post("/book/", {**form(menu, slot), field: typed}).content.decode()
    assert {"adults": "Adults: 200 at most.", "children": "Children: 0 or more."}[field] in page
    assert "Ensure this value" not in page
