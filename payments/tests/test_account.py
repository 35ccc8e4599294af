"""The account's pages: what a signed-in customer sees, and that nobody sees more."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from bookings import access, lifecycle, new_address
from bookings.models import Booking
from bookings.tests.factories import CustomerFactory, MerchantFactory, SlotFactory, booked
from core import clock
from core.models import OutboxEmail
from customers import links
from customers.errors import LinkRefused
from customers.models import AccountLink, Customer, Merchant
from payments import receipts
from payments.tests.shop import Shop

pytestmark = pytest.mark.django_db

ACCOUNT_QUERIES = 7
RECEIPTS_QUERIES = 4
PAGES = ("/account/", "/account/receipts", "/account/profile")
NEW = "ada.new@example.com"


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def merchant(settings: Any) -> Merchant:
    settings.ALLOWED_HOSTS = ["*"]
    return MerchantFactory.create(is_default=True)


def book(merchant: Merchant, *, email: str = "ada@example.com", **changes: Any) -> Booking:
    slot = merchant.slots.first() or SlotFactory.create(merchant=merchant, capacity=100)
    return booked(merchant=merchant, slot=slot, email=email, **changes)


def signed_in(email: str = "ada@example.com") -> Client:
    client = Client()
    client.post("/account/sign-in", {"email": email})
    client.post(mailed(r"/account/link/\S+"))
    return client


def mailed(pattern: str) -> str:
    links.send_due()
    found = re.search(rf"https?://[^/\s]+({pattern})", OutboxEmail.objects.latest("id").text)
    assert found is not None
    return found[1]


def test_the_account_asks_for_a_link_and_comes_back_to_the_wanted_page(merchant: Merchant) -> None:
    book(merchant)
    client = Client()
    for page in PAGES:
        answer = client.get(page)
        assert answer["Location"].startswith("/account/sign-in?next=%2Faccount%2F"), page
    for page in ("/account/profile", "/account/profile/email"):
        assert client.post(page, {"name": "Eve"})["Location"] == "/account/sign-in"
    client.post("/account/sign-in", {"email": "ada@example.com", "next": "/account/receipts"})
    assert client.post(mailed(r"/account/link/\S+"))["Location"] == "/account/receipts"
    assert client.get("/account/receipts").status_code == 200


def test_the_list_says_what_stands_and_what_is_to_be_paid_next(merchant: Merchant) -> None:
    held, cancelled, past = book(merchant), book(merchant, notes="b"), book(merchant, notes="c")
    someone_elses = book(merchant, email="bob@example.com")
    with transaction.atomic():
        cancelled.transition_to("cancelled", actor="test")
    with transaction.atomic():
        lifecycle.confirm(past, actor="test")
    begun = clock.now() - timedelta(days=3)
    Booking.objects.filter(pk=past.pk).update(starts_at=begun, ends_at=begun + timedelta(hours=3))
    page = signed_in().get("/account/").content.decode()
    coming, gone = page.split("Past and cancelled")
    assert held.code in coming
    assert "Pay the deposit, $108.00" in coming
    assert past.code in gone
    assert cancelled.code in gone
    assert someone_elses.code not in page
    assert '<meta name="robots" content="noindex">' in page


def test_the_lists_ask_the_database_the_same_number_of_times_however_much_there_is(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    slot = SlotFactory.create(merchant=shop.merchant, capacity=100)
    shop.paid(shop.book(slot=slot))
    client = signed_in()
    for _ in range(2):
        with django_assert_num_queries(ACCOUNT_QUERIES):
            assert client.get("/account/").status_code == 200
        with django_assert_num_queries(RECEIPTS_QUERIES):
            page = client.get("/account/receipts").content.decode()
        shop.book(slot=slot, notes="another")
        shop.paid(shop.book(slot=slot, notes="a third"))
    receipts.send_due()
    assert "R-000001" in page
    assert client.get(re.findall(r'href="(/b/\S+/pdf)"', page)[0]).content.startswith(b"%PDF")


def test_a_customer_opens_their_own_bookings_and_nobody_elses(merchant: Merchant) -> None:
    ours, theirs = book(merchant), book(merchant, email="bob@example.com")
    other = MerchantFactory.create(host="cedar.example")
    elsewhere = book(other)
    client = signed_in()
    assert client.get(f"/b/{ours.code}").status_code == 200
    paths = ("", "/pay", "/paid", "/receipts/R-1", "/receipts/R-1/pdf")
    for booking in (theirs, elsewhere):
        for host in ("testserver", "cedar.example"):
            for path in paths:
                answer = client.get(f"/b/{booking.code}{path}", headers={"host": host})
                assert answer.status_code == 404, (booking.code, host, path)
        assert client.post(f"/b/{booking.code}/pay/start", {"purpose": "deposit"}).status_code == 404
    assert client.get(f"/b/{ours.code}", headers={"host": "cedar.example"}).status_code == 404
    for page in PAGES:
        assert client.get(page, headers={"host": "cedar.example"}).status_code == 302


def test_signing_out_closes_the_account_and_the_bookings_that_links_had_opened(merchant: Merchant) -> None:
    booking = book(merchant)
    client = signed_in()
    client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    assert client.get("/account/sign-out").status_code == 405
    assert client.post("/account/sign-out")["Location"] == "/"
    assert client.get("/account/").status_code == 302
    assert client.get(f"/b/{booking.code}").status_code == 404


def test_name_and_phone_are_the_customers_to_change_and_nothing_else_is(merchant: Merchant) -> None:
    customer = book(merchant).customer
    client = signed_in()
    sent = {"name": " Ada  B. Example ", "phone": "415 555 2671", "email": "eve@example.com", "notes": "x"}
    assert client.post("/account/profile", sent)["Location"] == "/account/profile"
    customer.refresh_from_db()
    assert (customer.name, customer.phone.as_e164) == ("Ada B. Example", "+14155552671")
    assert (customer.email, customer.notes) == ("ada@example.com", "")
    for wrong in ({"name": ""}, {"name": "Ada", "phone": "12"}, {"name": "A" * 121}):
        assert client.post("/account/profile", wrong).status_code == 422
    customer.refresh_from_db()
    assert customer.name == "Ada B. Example"


def test_a_new_address_counts_when_its_link_is_used_and_old_links_end(merchant: Merchant) -> None:
    booking = book(merchant)
    customer, before = booking.customer, access.issue(booking)
    here, elsewhere = signed_in(), signed_in()
    assert here.post("/account/profile/email", {"new-email": "Ada.New@Example.com"}).status_code == 302
    path = mailed(r"/account/email/\S+")
    assert OutboxEmail.objects.latest("id").to == NEW
    assert NEW in here.get(path).content.decode()
    customer.refresh_from_db()
    assert customer.email == "ada@example.com"

    assert here.post(path)["Location"] == "/account/profile"
    customer.refresh_from_db()
    booking.refresh_from_db()
    assert (customer.email, booking.contact_email, booking.link_version) == (NEW, NEW, 2)
    assert access.verify(before) is None
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    told = OutboxEmail.objects.latest("id")
    assert (told.to, "was changed" in told.subject, NEW in told.text) == ("ada@example.com", True, False)
    assert here.post(path).status_code == 410


def test_a_browser_left_signed_in_somewhere_does_not_give_the_account_away(merchant: Merchant) -> None:
    book(merchant)
    client, before = signed_in(), AccountLink.objects.count()
    session = client.session
    session["customer"] = {**session["customer"], "at": session["customer"]["at"] - 2 * 3600}
    session.save()
    answer = client.post("/account/profile/email", {"new-email": NEW})
    assert (answer.status_code, "sign in by a new link" in answer.content.decode()) == (403, True)
    assert AccountLink.objects.count() == before
    assert client.get("/account/").status_code == 200


def test_an_address_that_others_have_is_not_taken_over_and_not_told_before_its_mail_was_read(
    merchant: Merchant,
) -> None:
    customer = book(merchant).customer
    CustomerFactory.create(merchant=merchant, email=NEW)
    client = signed_in()
    answers = [
        client.post("/account/profile/email", {"new-email": email}).status_code
        for email in (NEW, "free@example.com")
    ]
    assert answers == [302, 302]
    links.send_due()
    path = mailed(r"/account/email/\S+")
    first = OutboxEmail.objects.filter(to=NEW).get().text
    AccountLink.objects.filter(email=NEW).update(superseded_at=None)
    taken = re.search(r"/account/email/\S+", first)
    assert taken is not None
    answer = client.post(taken[0])
    assert (answer.status_code, "bring them together" in answer.content.decode()) == (409, True)
    customer.refresh_from_db()
    assert (customer.email, customer.sign_in_version) == ("ada@example.com", 1)
    assert client.post(path).status_code == 302


def test_wrong_or_equal_addresses_are_refused_and_links_of_one_kind_do_not_do_the_others_work(
    merchant: Merchant,
) -> None:
    customer = book(merchant).customer
    client = signed_in()
    for typed in ("", "ada", "ADA@example.com"):
        assert client.post("/account/profile/email", {"new-email": typed}).status_code == 422
    client.post("/account/sign-in/x")
    assert AccountLink.objects.count() == 1
    Client().post("/account/sign-in", {"email": "ada@example.com"})
    token = mailed(r"/account/link/\S+").rsplit("/", 1)[1]
    assert client.post(f"/account/email/{token}").status_code == 404
    client.post("/account/profile/email", {"new-email": NEW})
    token = mailed(r"/account/email/\S+").rsplit("/", 1)[1]
    assert Client().post(f"/account/link/{token}").status_code == 404
    customer.refresh_from_db()
    assert customer.email == "ada@example.com"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_an_address_at_the_same_time_one_wins() -> None:
    booking = book(MerchantFactory.create(is_default=True))
    links.ask_new_email(booking.customer, email=NEW)
    token = mailed(r"/account/email/\S+").rsplit("/", 1)[1]
    outcomes: list[str] = []

    def confirm() -> None:
        try:
            outcomes.append(new_address.confirm(merchant=booking.merchant, token=token).email)
        except LinkRefused as error:
            outcomes.append(str(error.extra["standing"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [NEW, "used", "used", "used"]
    booking.refresh_from_db()
    assert booking.link_version == 2
    assert Customer.objects.get().sign_in_version == 2
