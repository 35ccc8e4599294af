"""Owners publish new versions of the legal texts; every member of staff reads them; nobody changes one."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings import legal
from bookings.models import LegalKind, LegalText
from bookings.tests.factories import MerchantFactory
from bookings.tests.test_admin_catalogue import of
from customers.models import Merchant, Role

pytestmark = pytest.mark.django_db

LIST = reverse("admin:bookings_legaltext_changelist")
ADD = reverse("admin:bookings_legaltext_add")


@pytest.fixture
def merchant() -> Merchant:
    return MerchantFactory.create(name="Harvest Table", is_default=True)


def sent(merchant: Merchant, **changes: object) -> dict[str, object]:
    return {"merchant": merchant.pk, "kind": "terms", "body": "## Ours\r\n\r\nCook well.", **changes}


def of_name(client: Client) -> str:
    return User.objects.get(pk=client.session["_auth_user_id"]).get_username()


def test_an_owner_publishes_the_next_version_from_the_one_in_force(merchant: Merchant) -> None:
    owner = of(merchant, role=Role.OWNER)
    page = owner.get(ADD, {"kind": "refunds-policy"}).content.decode()
    assert "14 days or more before the event" in page
    assert "Cancelling and refunds: the next version" in page
    assert owner.post(ADD, sent(merchant)).status_code == 302
    text = legal.current(merchant)[LegalKind.TERMS]
    assert (text.version, text.body, text.is_generated) == (2, "## Ours\n\nCook well.", False)
    assert text.actor.startswith("user:")
    owner.post(ADD, sent(merchant))
    owner.post(ADD, sent(merchant, body=""))
    text = legal.current(merchant)[LegalKind.TERMS]
    assert (text.version, text.is_generated) == (3, True)
    listed = owner.get(LIST).content.decode()
    assert "By staff" in listed
    assert ("user:" in listed, of_name(owner) in listed) == (False, True)


def test_every_version_can_be_read_and_none_changed_or_deleted(merchant: Merchant) -> None:
    owner = of(merchant, role=Role.OWNER)
    row = legal.current(merchant)[LegalKind.PRIVACY]
    url = reverse("admin:bookings_legaltext_change", args=[row.pk])
    page = owner.get(url).content.decode()
    assert "<h2>What we keep</h2>" in page
    assert "/privacy/1" in page
    assert owner.post(url, sent(merchant)).status_code == 403
    delete = reverse("admin:bookings_legaltext_delete", args=[row.pk])
    assert owner.post(delete, {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.body.startswith("## What we keep")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLERK, Role.MANAGER])
def test_who_is_not_an_owner_reads_and_publishes_nothing(merchant: Merchant, role: str) -> None:
    legal.current(merchant)
    client = of(merchant, role=role)
    assert client.get(LIST).status_code == 200
    assert client.get(ADD).status_code == client.post(ADD, sent(merchant)).status_code == 403
    assert LegalText.objects.filter(kind="terms").count() == 1


def test_another_merchants_texts_are_neither_seen_nor_published(merchant: Merchant) -> None:
    rival = MerchantFactory.create(name="Rival")
    row = legal.current(rival)[LegalKind.TERMS]
    owner: Client = of(merchant, role=Role.OWNER)
    assert owner.get(reverse("admin:bookings_legaltext_change", args=[row.pk])).status_code == 404
    assert owner.post(ADD, sent(rival)).status_code == 200
    assert LegalText.objects.filter(merchant=rival, kind="terms").count() == 1
