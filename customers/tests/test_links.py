import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client

from core import clock
from core.models import OutboxEmail
from customers import links, throttle
from customers.errors import LinkRefused
from customers.models import AccountLink, Customer, Merchant
from customers.tests.parties import a_customer, a_merchant

pytestmark = pytest.mark.django_db

SIGN_IN = "/account/sign-in"
ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def merchant(settings: Any) -> Merchant:
    settings.ALLOWED_HOSTS = ["*"]
    return a_merchant(is_default=True)


@pytest.fixture
def ada(merchant: Merchant) -> Customer:
    return a_customer(merchant, email=ADA)


def asked(client: Client | None = None, *, email: str = ADA, next_path: str = "") -> Any:
    return (client or Client()).post(SIGN_IN, {"email": email, "next": next_path})


def mailed_path() -> str:
    """The link in the newest message."""
    links.send_due()
    message = OutboxEmail.objects.latest("id")
    found = re.search(r"https?://[^/\s]+(/account/link/\S+)", message.text)
    assert found is not None
    assert found[1] in message.html
    return found[1]


def is_signed_in(client: Client) -> bool:
    return client.get(SIGN_IN).status_code == 302


def unchanged(link: AccountLink) -> bool:
    link.refresh_from_db()
    return link.used_at is None and not Customer.objects.exclude(email_verified_at=None).exists()


def test_the_link_of_the_mail_shows_a_button_and_the_button_signs_in_and_verifies_the_address(ada: Customer):
    client = Client()
    assert asked(client, email="  Ada@Example.com ")["Location"] == "/account/sign-in/sent"
    path = mailed_path()
    client.session.save()
    before = client.session.session_key
    page = client.get(path)
    assert ADA in page.content.decode()
    assert (page["Referrer-Policy"], "no-store" in page["Cache-Control"]) == ("same-origin", True)
    assert client.post(path)["Location"] == "/account/"
    assert is_signed_in(client)
    assert client.session.session_key != before
    ada.refresh_from_db()
    assert ada.email_verified_at is not None
    assert OutboxEmail.objects.get().to == ADA


def test_a_scanner_that_opens_the_link_uses_nothing(ada: Customer):
    asked()
    path = mailed_path()
    scanner = Client()
    for _ in range(3):
        assert (scanner.get(path).status_code, scanner.head(path).status_code) == (200, 200)
    assert unchanged(AccountLink.objects.get())
    assert not is_signed_in(scanner)
    assert Client().post(path).status_code == 302


def test_a_link_posted_from_another_site_is_refused_and_not_used(ada: Customer):
    asked()
    path = mailed_path()
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403
    assert unchanged(AccountLink.objects.get())


def test_a_link_works_once(ada: Customer):
    asked()
    path = mailed_path()
    Client().post(path)
    used_at = AccountLink.objects.get().used_at
    second = Client()
    for answer in (second.get(path), second.post(path)):
        assert answer.status_code == 410
        assert "This link was used already" in answer.content.decode()
        assert "Send me a new one" in answer.content.decode()
    assert not is_signed_in(second)
    assert AccountLink.objects.get().used_at == used_at


def test_an_expired_link_offers_a_new_one(ada: Customer):
    asked()
    path = mailed_path()
    client = Client()
    with time_machine.travel(clock.now() + timedelta(minutes=links.LINK_MINUTES, seconds=1)):
        for answer in (client.get(path), client.post(path)):
            assert (answer.status_code, "too old" in answer.content.decode()) == (410, True)
    assert unchanged(AccountLink.objects.get())


def test_only_the_newest_link_works(ada: Customer):
    asked()
    old = mailed_path()
    asked()
    new = mailed_path()
    client = Client()
    assert "There is a newer link" in client.post(old).content.decode()
    assert not is_signed_in(client)
    assert client.post(new).status_code == 302


def test_a_forged_link_and_one_on_another_merchants_host_are_unknown(ada: Customer):
    a_merchant(host="cedar.example")
    asked()
    path = mailed_path()
    client = Client()
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    for wrong, host in ((forged, "testserver"), ("/account/link/x", "testserver"), (path, "cedar.example")):
        for answer in (client.get(wrong, headers={"host": host}), client.post(wrong, headers={"host": host})):
            assert (answer.status_code, "We do not know this link" in answer.content.decode()) == (404, True)
    assert unchanged(AccountLink.objects.get())
    assert client.post(path).status_code == 302
    assert client.get(SIGN_IN, headers={"host": "cedar.example"}).status_code == 200


def test_every_address_gets_the_same_answer_for_the_same_work(ada: Customer, django_assert_num_queries: Any):
    a_customer(a_merchant(), email="elsewhere@example.com")
    answers = []
    for email in (ADA, "nobody@example.com", "elsewhere@example.com"):
        with django_assert_num_queries(2):
            answer = asked(email=email)
        answers.append((answer.status_code, answer["Location"], answer.content))
    assert len(set(answers)) == 1
    assert not OutboxEmail.objects.exists()
    assert links.send_due() == 3
    assert links.send_due() == 0
    assert [mail.to for mail in OutboxEmail.objects.all()] == [ADA]
    assert not AccountLink.objects.exclude(email=ADA).exists()


def test_what_is_no_address_is_said_at_once_and_asks_for_nothing(merchant: Merchant):
    for typed in ("", "ada", "ada@", "a" * 250 + "@example.com"):
        assert asked(email=typed).status_code == 422
    assert not AccountLink.objects.exists()


def test_links_are_throttled_per_address_and_per_visitor_known_or_not(
    ada: Customer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(throttle, "PER_ADDRESS", 2)
    monkeypatch.setattr(throttle, "PER_VISITOR", 8)
    for email in (ADA, "nobody@example.com"):
        answers = [asked(email=email).status_code for _ in range(throttle.PER_ADDRESS + 1)]
        assert answers == [302] * throttle.PER_ADDRESS + [429]
    before = AccountLink.objects.count()
    left = throttle.PER_VISITOR - 2 * (throttle.PER_ADDRESS + 1)
    answers = [asked(email=f"guess{number}@example.com").status_code for number in range(left + 1)]
    assert answers == [302] * left + [429]
    assert AccountLink.objects.count() == before + left
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert asked(elsewhere, email="other@example.com").status_code == 302


def test_the_page_that_was_wanted_follows_if_it_is_one_of_ours(ada: Customer):
    for wanted, reached in (
        ("/b/ABC12345", "/b/ABC12345"),
        ("https://evil.example/", "/account/"),
        ("//evil.example/", "/account/"),
        ("/\\evil.example", "/account/"),
        ("javascript:alert(1)", "/account/"),
    ):
        cache.clear()
        asked(next_path=wanted)
        assert Client().post(mailed_path())["Location"] == reached


def test_only_the_hash_of_a_token_is_stored(ada: Customer):
    asked()
    token = mailed_path().rsplit("/", 1)[1]
    stored = str(AccountLink.objects.values_list()[0])
    assert token not in stored
    assert len(token) >= 43


def test_old_links_and_requests_are_forgotten(ada: Customer):
    asked()
    mailed_path()
    assert links.forget_old() == 0
    with time_machine.travel(clock.now() + links.FORGET_AFTER + timedelta(minutes=1)):
        assert links.forget_old() == 1
    assert not AccountLink.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_link_at_the_same_time_one_wins(settings: Any):
    merchant = a_merchant(is_default=True)
    customer = a_customer(merchant, email=ADA)
    asked()
    token = mailed_path().rsplit("/", 1)[1]
    start = threading.Barrier(6)
    outcomes: list[str] = []

    def use() -> None:
        start.wait()
        try:
            outcomes.append(links.sign_in(merchant=merchant, token=token)[0].email)
        except LinkRefused as error:
            outcomes.append(str(error.extra["standing"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([customer.email] + ["used"] * 5)


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_one_message_per_request(settings: Any):
    a_customer(a_merchant(is_default=True), email=ADA)
    for _ in range(4):
        asked()
    done: list[int] = []

    def work() -> None:
        done.append(links.send_due())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 4
    assert OutboxEmail.objects.count() == 4
    assert AccountLink.objects.filter(superseded_at=None).count() == 1
