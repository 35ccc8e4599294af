"""A merchant with a host of its own: links and the way back lead there; only its own secrets are believed there."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from bookings.tests.factories import MerchantFactory
from core.models import OutboxEmail
from customers import merchants
from payments import endpoints, gateway, notices
from payments.models import GatewayAccount, WebhookEndpoint
from payments.tests.shop import Shop


@pytest.fixture
def own_host(shop: Shop, settings) -> Shop:
    """The shop at ember.example, beside a default merchant who keeps the installation's address."""
    settings.SITE_URL = "http://tableside.example:8000"
    settings.ALLOWED_HOSTS = ["*"]
    shop.merchant.is_default = False
    shop.merchant.host = "ember.example"
    shop.merchant.save()
    MerchantFactory.create(is_default=True, slug="platform", host="platform.example")
    shop.account.secret_key = settings.STRIPE_SECRET_KEY
    shop.account.save()
    return shop


def test_the_site_of_a_merchant_is_its_host_by_https_in_production(own_host: Shop, settings):
    settings.DEVELOPMENT = False
    assert merchants.site_url(own_host.merchant) == "https://ember.example"


def test_in_development_a_merchants_host_is_on_the_same_port(own_host: Shop, settings):
    settings.DEVELOPMENT = True
    assert merchants.site_url(own_host.merchant) == "http://ember.example:8000"


def test_the_default_merchant_and_those_without_a_host_are_at_the_installations_address(own_host: Shop):
    assert merchants.site_url(merchants.for_host("platform.example")) == "http://tableside.example:8000"
    assert merchants.site_url(MerchantFactory.create(host="")) == "http://tableside.example:8000"


def test_a_link_from_an_email_opens_the_booking_on_the_merchants_own_host(own_host: Shop):
    booking = own_host.book()
    parts = urlsplit(notices.booking_link(booking))
    assert parts.hostname == "ember.example"
    answer = Client().get(f"{parts.path}?{parts.query}", headers={"host": parts.netloc}, follow=True)
    assert answer.status_code == 200
    assert f"http://{parts.netloc}/b/{booking.code}?t=" in OutboxEmail.objects.get().text


def test_checkout_leads_back_to_the_merchants_own_host(own_host: Shop):
    payment = own_host.start(own_host.book(), mode="hosted").payment
    payment.refresh_from_db()
    session = gateway.retrieve(own_host.account, "checkout.session", payment.stripe_checkout_session_id)
    assert session["success_url"].startswith("http://ember.example:8000/b/")
    assert session["cancel_url"].startswith("http://ember.example:8000/b/")


def test_the_installations_secret_signs_nothing_for_another_merchants_endpoint(shop: Shop):
    account = GatewayAccount.objects.create(merchant=MerchantFactory.create(slug="other-one"))
    endpoint = WebhookEndpoint.objects.create(gateway_account=account)
    endpoints.forget()
    assert endpoints.at("other-one") == ()
    endpoint.secrets = "whsec_own"
    endpoint.save()
    endpoints.forget()
    assert endpoints.at("other-one") == ((endpoint.pk, "whsec_own"),)
    assert endpoints.at("")
