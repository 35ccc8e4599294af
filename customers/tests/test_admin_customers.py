import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import OutboxEmail
from customers import links
from customers.models import Customer, Membership, Role
from customers.tests.parties import a_customer, a_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return a_customer(a_merchant(is_default=True), email="ada@example.com")


@pytest.fixture
def clerk(customer: Customer) -> Client:
    user = User.objects.create_user("clerk", is_staff=True)
    Membership.objects.create(user=user, merchant=customer.merchant, role=Role.CLERK)
    client = Client()
    client.force_login(user)
    return client


def test_staff_who_read_the_message_with_a_link_cannot_use_it(customer: Customer, clerk: Client) -> None:
    links.ask(merchant=customer.merchant, email=customer.email)
    links.send_due()
    message = OutboxEmail.objects.get()
    token = message.text.split("/account/link/")[1].split()[0]
    page = clerk.get(reverse("admin:core_outboxemail_change", args=[message.pk])).content.decode()
    assert "/account/link/…" in page
    assert token not in page
    assert Client().post(f"/account/link/{token}").status_code == 302


def test_an_address_that_staff_type_is_not_verified_and_ends_the_sign_ins(
    customer: Customer, clerk: Client
) -> None:
    Customer.objects.update(email_verified_at=clock.now())
    page = reverse("admin:customers_customer_change", args=[customer.pk])
    sent = {"merchant": customer.merchant_id, "name": "Ada", "email": "ada@example.com"}
    clerk.post(page, sent)
    customer.refresh_from_db()
    assert (customer.name, customer.sign_in_version, customer.email_verified_at is None) == ("Ada", 1, False)
    links.ask(merchant=customer.merchant, email=customer.email)
    links.send_due()
    old = OutboxEmail.objects.get().text.split("/account/link/")[1].split()[0]
    clerk.post(page, {**sent, "email": "Ada.Typed@example.com"})
    assert Client().post(f"/account/link/{old}").status_code == 410
    customer.refresh_from_db()
    assert (customer.email, customer.sign_in_version) == ("ada.typed@example.com", 2)
    assert customer.email_verified_at is None
