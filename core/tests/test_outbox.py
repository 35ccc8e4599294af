"""The outbox: one cause one mail, nothing before commit, nothing lost, nothing twice while a lease holds."""

import smtplib
import threading
from datetime import timedelta
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from core import clock, outbox, tasks
from core.models import OutboxAttachment, OutboxEmail


class RefusingBackend(EmailBackend):
    """A mail server that refuses addresses at refused.example."""

    def send_messages(self, messages: Any) -> int:
        if any("refused.example" in to for message in messages for to in message.to):
            raise smtplib.SMTPRecipientsRefused({"guest@refused.example": (550, b"no such user")})
        return super().send_messages(messages)


@pytest.fixture
def refusing(settings):
    settings.EMAIL_BACKEND = f"{__name__}.RefusingBackend"


def enqueue(key="receipt:1", to="guest@example.com", **more):
    return outbox.enqueue(key=key, to=to, subject="Your receipt", text="Thank you", **more)


@pytest.mark.django_db
def test_a_mail_is_sent_once_with_its_parts():
    assert enqueue(
        html="<p>Thank you</p>", attachments=[("r.pdf", "application/pdf", b"%PDF-1")], merchant_id=3
    )
    assert mail.outbox == []
    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    [sent] = mail.outbox
    assert (sent.subject, sent.body, sent.to) == ("Your receipt", "Thank you", ["guest@example.com"])
    assert isinstance(sent, EmailMultiAlternatives)
    assert sent.alternatives[0][0] == "<p>Thank you</p>"
    assert [tuple(attachment) for attachment in sent.attachments] == [("r.pdf", b"%PDF-1", "application/pdf")]
    row = OutboxEmail.objects.get()
    assert (row.attempts, row.merchant_id, row.lease_until, row.last_error) == (1, 3, None, "")
    assert row.sent_at is not None


@pytest.mark.django_db
def test_the_same_cause_leaves_one_mail():
    assert enqueue(attachments=[("a.txt", "text/plain", b"1")]) is True
    assert enqueue(to="other@example.com", attachments=[("b.txt", "text/plain", b"2")]) is False
    assert [(row.to, row.attachments.count()) for row in OutboxEmail.objects.all()] == [
        ("guest@example.com", 1)
    ]
    assert OutboxAttachment.objects.count() == 1


@pytest.mark.django_db
def test_a_rolled_back_transaction_sends_nothing():
    with transaction.atomic():
        enqueue()
        transaction.set_rollback(True)
    assert outbox.send_due() == 0
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_line_break_in_a_subject_cannot_add_headers():
    outbox.enqueue(key="k", to="guest@example.com", subject="Hello\nBcc: all@example.com", text="x")
    outbox.send_due()
    assert mail.outbox[0].subject == "Hello Bcc: all@example.com"


@pytest.mark.django_db
@pytest.mark.usefixtures("refusing")
def test_a_refused_mail_backs_off_and_holds_up_no_other():
    enqueue(key="bad", to="guest@refused.example")
    enqueue(key="good")
    assert outbox.send_due() == 1
    assert [sent.to for sent in mail.outbox] == [["guest@example.com"]]
    bad = OutboxEmail.objects.get(key="bad")
    assert (bad.sent_at, bad.attempts, bad.lease_until) == (None, 1, None)
    assert "SMTPRecipientsRefused" in bad.last_error
    assert bad.due_at > clock.now()
    assert outbox.send_due() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("refusing")
def test_tries_get_rarer_and_end():
    enqueue(to="guest@refused.example")
    waits = []
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for _ in range(outbox.MAX_ATTEMPTS + 2):
            outbox.send_due()
            row = OutboxEmail.objects.get()
            waits.append(row.due_at - clock.now())
            traveller.shift(outbox.MAX_BACKOFF)
    assert row.attempts == outbox.MAX_ATTEMPTS
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert max(waits) == outbox.MAX_BACKOFF
    assert list(outbox.waiting()) == [row]


@pytest.mark.django_db
def test_a_worker_that_died_with_a_claim_is_replaced_after_its_lease():
    enqueue()
    outbox._claim(limit=1)
    assert outbox.send_due() == 0
    with time_machine.travel(clock.now() + outbox.LEASE + timedelta(seconds=1)):
        assert outbox.send_due() == 1
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_claim_that_is_running_out_sends_nothing_more():
    enqueue()
    [claimed] = outbox._claim(limit=1)
    with time_machine.travel(clock.now() + outbox.LEASE):
        assert not outbox._mine_still(claimed)


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_send_each_mail_once():
    for number in range(20):
        enqueue(key=f"mail:{number}", to=f"guest{number}@example.com")
    together = threading.Barrier(4)
    sent = []

    def work():
        together.wait()
        sent.append(outbox.send_due(limit=10))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.append(outbox.send_due())
    assert sum(sent) == 20
    assert len({message.to[0] for message in mail.outbox}) == len(mail.outbox) == 20


@pytest.mark.django_db
def test_claiming_costs_the_same_sql_for_one_mail_and_for_many(django_assert_num_queries):
    for number in range(10):
        enqueue(key=f"mail:{number}")
    with django_assert_num_queries(4):
        outbox._claim(limit=10)


@pytest.mark.django_db
def test_the_task_sends_everything_due(monkeypatch):
    for number in range(7):
        enqueue(key=f"mail:{number}")
    monkeypatch.setattr(outbox.send_due, "__kwdefaults__", {"limit": 3})
    assert tasks.send_due_email() == 7
    assert len(mail.outbox) == 7


@pytest.mark.django_db
def test_a_mail_bears_the_name_of_who_writes_and_answers_reach_them(settings):
    settings.DEFAULT_FROM_EMAIL = "Tableside <bookings@tableside.example>"
    enqueue(sender_name="Ember,\n Salt & Söhne", reply_to="hello@example.com")
    enqueue(key="receipt:2")
    outbox.send_due()
    named, plain = mail.outbox
    name, address = parseaddr(named.message()["From"])
    assert str(make_header(decode_header(name))) == "Ember, Salt & Söhne"
    assert address == "bookings@tableside.example"
    assert named.reply_to == ["hello@example.com"]
    assert (plain.from_email, plain.reply_to) == (settings.DEFAULT_FROM_EMAIL, [])


@pytest.mark.django_db
def test_a_mail_leaves_from_an_address_in_another_alphabet(settings):
    settings.DEFAULT_FROM_EMAIL = "Tableside <bookings@büro.example>"
    enqueue(sender_name="Söhne")
    outbox.send_due()
    [sent] = mail.outbox
    assert parseaddr(sent.message()["From"])[1] == "bookings@xn--bro-hoa.example"
