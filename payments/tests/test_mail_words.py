"""The e-mails about money: the same facts in text and HTML, nothing fetched from elsewhere, links that open."""

import re

import pytest
from django.test import Client

from core.models import OutboxEmail
from payments import receipts, refunds
from payments.models import RefundCause
from payments.tests.shop import Shop


@pytest.fixture
def mails(shop: Shop) -> dict[str, OutboxEmail]:
    """The mails of a booking whose deposit was paid and refunded in part, by the first part of their key."""
    payment = shop.paid(shop.book(name="Ann & Bob <Sample>"))
    receipts.send_due()
    refunds.request(
        payment=payment,
        amount_minor=4_000,
        cause=RefundCause.PRICE_REDUCTION,
        reason="fewer guests",
        requested_by=None,
        actor="test",
    )
    shop.deliver()
    return {mail.key.split(":")[0]: mail for mail in OutboxEmail.objects.all()}


FACTS = {
    "receipt": ("R-000001", "$108.00", "$8.00", "Visa ending 4242"),
    "refund": ("$43.20", "$3.20", "Visa ending 4242", "5 to 10 business days"),
}


@pytest.mark.parametrize("kind", list(FACTS))
def test_text_and_html_say_the_same(mails: dict[str, OutboxEmail], kind: str) -> None:
    mail = mails[kind]
    for fact in FACTS[kind]:
        assert fact in mail.text, fact
        assert fact in mail.html, fact
    assert "&amp;" not in mail.text
    assert "{{" not in mail.text + mail.html


@pytest.mark.parametrize("kind", list(FACTS))
def test_the_link_of_a_mail_opens_the_booking_and_nothing_else_is_fetched(
    mails: dict[str, OutboxEmail], kind: str, settings
) -> None:
    mail = mails[kind]
    links = set(re.findall(r"https?://\S+", mail.text))
    assert set(re.findall(r'(?:href|src)="(https?://[^"]+)"', mail.html)) == links
    [link] = links
    answer = Client().get(link.removeprefix(settings.SITE_URL), follow=True)
    assert "You are booked" in answer.content.decode()
