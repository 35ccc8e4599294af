"""Staff at a browser: password, then made to set up a second step; in again by app, by recovery code, by passkey."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from customers.models import Membership, Merchant, Role
from customers.tests.sign_ins import PASSWORD, code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAME = "grace@example.com"


@pytest.fixture
def site(live_server: LiveServer, settings: Settings) -> str:
    """The pages on localhost, where browsers allow passkeys without TLS; with one owner who has never signed in."""
    settings.STAFF_MFA_REQUIRED = True
    cache.clear()
    merchant = Merchant.objects.create(name="One", slug="one", email="hello@one.example", is_default=True)
    grace = User.objects.create_user(NAME, NAME, PASSWORD, is_staff=True)
    Membership.objects.create(user=grace, merchant=merchant, role=Role.OWNER)
    return str(live_server.url)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """On a phone; what the content security policy refused fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(15_000)
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
    yield page
    context.close()
    assert not refused


def by_password(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/customers/customer/")
    page.get_by_label("E-mail address or user name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page, site: str) -> None:
    page.goto(f"{site}/staff/sign-out/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def in_the_console(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/admin/"))
    expect(page.get_by_text("Staff console").first).to_be_attached()


def give_code(page: Page, digits: str) -> None:
    page.get_by_label("Code").fill(digits)
    page.get_by_role("button", name=re.compile("Sign in|Set it up")).click()


def accessible(page: Page) -> None:
    found: Any = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_an_owner_sets_up_an_app_and_comes_in_by_it_and_by_a_recovery_code_once(
    page: Page, site: str
) -> None:
    page.goto(f"{site}/staff/sign-in/")
    accessible(page)
    by_password(page, site)
    expect(page.get_by_role("heading", name="Set up a second step")).to_be_visible()
    accessible(page)
    secret = page.locator("#authenticator_secret").inner_text()
    give_code(page, code(secret))
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    recovery = page.locator("#recovery_codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them, go on").click()
    in_the_console(page)

    sign_out(page, site)
    by_password(page, site)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    give_code(page, "123456")
    expect(page.get_by_text("That code is not right")).to_be_visible()
    give_code(page, code(secret, steps=1))
    in_the_console(page)
    expect(page).to_have_url(f"{site}/admin/customers/customer/")

    sign_out(page, site)
    by_password(page, site)
    give_code(page, recovery)
    in_the_console(page)
    sign_out(page, site)
    by_password(page, site)
    give_code(page, recovery)
    expect(page.get_by_text("was used before")).to_be_visible()


def test_an_owner_sets_up_a_passkey_and_comes_in_by_it_without_a_password(page: Page, site: str) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    by_password(page, site)
    page.get_by_role("link", name="Set up a passkey").click()
    accessible(page)
    page.get_by_text("Sign in with it alone").click()
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    sign_out(page, site)
    page.get_by_role("button", name="Use a passkey").click()
    in_the_console(page)

    sign_out(page, site)
    by_password(page, site)
    page.get_by_role("button", name="Use a passkey").click()
    in_the_console(page)
