"""Versions of terms, privacy notice and refunds policy: kept, readable, named by the booking."""

import re
import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from bookings import legal
from bookings.models import LegalKind, LegalText
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from customers.models import Merchant

pytestmark = pytest.mark.django_db

TERMS = LegalKind.TERMS


@pytest.fixture
def merchant() -> Merchant:
    return MerchantFactory.create(is_default=True, name="Ember Table", email="hello@ember.example")


def words(path: str, **headers: str) -> str:
    answer = Client().get(path, headers=headers)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def test_the_first_texts_say_what_the_merchants_settings_say(merchant: Merchant) -> None:
    merchant.cancellation_policy = [
        {"days_before": 0, "refund_percent": 10},
        {"days_before": 30, "refund_percent": 100},
    ]
    merchant.deposit_minor, merchant.hold_minutes = 25_000, 20
    merchant.save()
    policy, terms, privacy = words("/refunds-policy"), words("/terms"), words("/privacy")
    assert policy.index("30 days or more before the event: <b>everything you paid</b>") < policy.index(
        "Later than that: <b>10 % of what you paid</b>"
    )
    assert "$250.00" in terms
    assert "20 minutes" in terms
    assert '<a href="/refunds-policy">Cancelling and refunds</a>' in terms
    assert '<a href="mailto:hello@ember.example">' in privacy
    for page in (policy, terms, privacy):
        assert "Version 1, in force since" in page
        assert "Ember Table" in page


def test_settings_that_change_make_a_new_version_and_the_old_one_stays(
    merchant: Merchant, django_assert_num_queries: Any
) -> None:
    before = legal.current(merchant)
    with django_assert_num_queries(1):
        assert legal.current(merchant) == before
    merchant.cancellation_policy = [{"days_before": 0, "refund_percent": 100}]
    merchant.save()
    after = legal.current(merchant)
    assert {kind.value: text.version for kind, text in after.items()} == {
        "terms": 1,
        "privacy": 1,
        "refunds-policy": 2,
    }
    old = words("/refunds-policy/1")
    assert "14 days or more before the event" in old
    assert "This is version 1" in old
    assert "At any time before the event" in words("/refunds-policy")
    for path in ("/refunds-policy/3", "/terms/2", "/terms/0", "/terms/x"):
        assert Client().get(path).status_code == 404, path


def test_settings_that_were_never_saved_make_no_version(merchant: Merchant) -> None:
    before = legal.current(merchant)
    merchant.hold_minutes = 1
    assert legal.current(merchant) == before
    assert LegalText.objects.filter(kind=TERMS).count() == 1


def test_a_booking_names_the_versions_that_were_accepted_and_leads_to_them(merchant: Merchant) -> None:
    slot = SlotFactory.create(merchant=merchant, capacity=2)
    booking = booked(merchant=merchant, slot=slot)
    legal.publish(merchant=merchant, kind=TERMS, body="## Ours\n\nCook well.", actor="user:7")
    later = booked(merchant=merchant, slot=slot, notes="later")
    assert (booking.terms_version, later.terms_version) == ("1", "2")
    assert booking.agreement["texts"] == {"terms": 1, "privacy": 1, "refunds-policy": 1}
    assert booking.terms_accepted_at is not None
    assert "What you book" in words("/terms/1")
    assert "Cook well." in words("/terms")


def test_terms_that_changed_under_an_open_form_are_not_accepted_by_it(merchant: Merchant) -> None:
    slot = SlotFactory.create(merchant=merchant, capacity=2)
    made = booked(merchant=merchant, slot=slot)
    legal.publish(merchant=merchant, kind=TERMS, body="New terms.", actor="user:7")
    sent = {
        "token": "5f5b3ab4-6f0c-4bb4-93b6-0d0bd2a6a5c9",
        "texts": "1-1",
        "slot": str(slot.public_id),
        "adults": "10",
        "children": "0",
        "menu": str(made.menu_id),
        "street": "1 Sample Street",
        "city": "San Francisco",
        "postal_code": "94110",
        "contact_name": "Bob Example",
        "contact_email": "bob@example.com",
        "terms_accepted": "on",
    }
    answer = Client().post("/book/", sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "have changed meanwhile" in page
    assert 'name="texts" value="2-1"' in page
    assert not re.search(r'name="terms_accepted"[^>]* checked', page)
    legal.publish(merchant=merchant, kind=LegalKind.REFUNDS, body="Nothing comes back.", actor="user:7")
    for more in ({}, {"preview": "1"}, {"city": ""}):
        page = Client().post("/book/", {**sent, "texts": "2-1", **more}).content.decode()
        assert 'name="texts" value="2-2"' in page
        assert not re.search(r'name="terms_accepted"[^>]* checked', page)
    assert merchant.bookings.count() == 1
    assert Client().post("/book/", {**sent, "texts": "2-2"}).status_code == 302


def test_staffs_own_text_stands_until_an_empty_one_goes_back_to_the_settings(merchant: Merchant) -> None:
    legal.publish(merchant=merchant, kind=TERMS, body="Ours.\r\n", actor="user:7")
    Merchant.objects.update(hold_minutes=5)
    merchant.refresh_from_db()
    text = legal.current(merchant)[TERMS]
    assert (text.version, text.body, text.actor, text.is_generated) == (2, "Ours.", "user:7", False)
    assert legal.publish(merchant=merchant, kind=TERMS, body="Ours.", actor="user:8") == text
    back = legal.publish(merchant=merchant, kind=TERMS, body=" ", actor="user:7")
    assert (back.version, back.is_generated, "5 minutes" in back.body) == (3, True, True)


def test_versions_cannot_be_changed_or_deleted_even_in_the_database(merchant: Merchant) -> None:
    text = legal.current(merchant)[TERMS]
    for tamper in (
        lambda: LegalText.objects.filter(pk=text.pk).update(body="else"),
        lambda: LegalText.objects.filter(pk=text.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            tamper()
    text.refresh_from_db()
    assert "What you book" in text.body


def test_a_text_cannot_bring_markup_of_its_own_and_leads_to_our_pages_only() -> None:
    shown = legal.as_html(
        "## <script>alert(1)</script>\nFirst.\n\n- **one** & two\n- [x](javascript:alert(1)) [y](//evil.example)"
        ' [Ours](/privacy)\n\n<img src=x onerror="a">\nsecond line'
    )
    assert shown == (
        "<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>\n<p>First.</p>\n"
        "<ul><li><b>one</b> &amp; two</li>"
        '<li>[x](javascript:alert(1)) [y](//evil.example) <a href="/privacy">Ours</a></li></ul>\n'
        "<p>&lt;img src=x onerror=&quot;a&quot;&gt;<br>second line</p>"
    )


def test_merchants_have_their_own_texts(merchant: Merchant, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    other = MerchantFactory.create(host="cedar.example", name="Cedar")
    legal.publish(merchant=other, kind=TERMS, body="Cedar's terms.", actor="user:7")
    assert "Cedar&#x27;s terms." in words("/terms", host="cedar.example")
    assert "Cedar" not in words("/terms")
    assert Client().get("/terms/2").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_several_who_publish_at_the_same_time_each_get_a_version_of_their_own() -> None:
    merchant = MerchantFactory.create()
    published: list[int] = []

    def publish(number: int) -> None:
        published.append(legal.publish(merchant=merchant, kind=TERMS, body=f"{number}", actor="x").version)
        connection.close()

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = LegalText.objects.filter(kind=TERMS).order_by("version").values_list("version", flat=True)
    assert list(stored) == [1, 2, 3, 4, 5]
    assert sorted(published) == [2, 3, 4, 5]
