"""Capture, release and charging a saved card in the console: shown first, done by POST, once, by those who may."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings.models import Booking
from bookings.tests.factories import MerchantFactory
from customers.models import Role
from payments.models import CardCharge, Payment, PaymentState, SavedCard
from payments.tests.console_world import add_staff
from payments.tests.shop import Shop
from payments.tests.test_admin_scope import signed_in


@pytest.fixture
def staff(shop: Shop) -> dict[str, User]:
    return {role.value: add_staff(shop.merchant, role=role, username=f"ember-{role.value}") for role in Role}


def page(name: str, row: Any) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def told(client: Client, address: str) -> str:
    return " ".join(str(message) for message in client.get(address).context["messages"])


def offered(client: Client, row: Payment | Booking) -> set[str]:
    """Which dialogs the row's page has buttons for."""
    model = f"{row._meta.app_label}_{row._meta.model_name}"
    names = ("capture", "void", "refund") if isinstance(row, Payment) else ("charge_card",)
    html = client.get(page(f"{model}_change", row)).content.decode()
    return {name for name in names if page(f"{model}_{name}", row) in html}


def authorized(shop: Shop) -> Payment:
    payment = shop.authorize(shop.book()).payment
    shop.confirm(payment)
    shop.deliver()
    payment.refresh_from_db()
    return payment


def test_a_part_is_captured_after_its_figures_were_seen_and_only_then(shop: Shop, staff: dict[str, User]):
    payment = authorized(shop)
    client = signed_in(staff["manager"])
    change, dialog = page("payments_payment_change", payment), page("payments_payment_capture", payment)
    html = client.get(dialog).content.decode()
    for shown in ('value="100.00"', "$108.00 authorized", "Capture $108.00"):
        assert shown in html
    entries = {"amount": "40.00", "reason": "Fewer guests"}
    seen = client.post(dialog, {**entries, "_preview": "1"})
    assert seen.context["figures"]["released_minor"] == 6_480
    for wrong in ({**entries}, {**entries, "shown": "10000:800:10800"}, {"amount": "100.01", "reason": "x"}):
        client.post(dialog, wrong)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED

    confirmed = {**entries, "shown": seen.context["figures"]["shown"]}
    assert client.post(dialog, confirmed).status_code == 302
    assert "$43.20 was captured" in told(client, change)
    client.post(dialog, confirmed)
    payment.refresh_from_db()
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 4_320)
    assert "Fewer guests" in client.get(change).content.decode()
    assert offered(client, payment) == {"refund"}


def test_a_release_and_what_the_buttons_offer_to_whom(shop: Shop, staff: dict[str, User], settings):
    payment = authorized(shop)
    change, dialog = page("payments_payment_change", payment), page("payments_payment_void", payment)
    manager, clerk = signed_in(staff["manager"]), signed_in(staff["clerk"])
    stranger = signed_in(add_staff(MerchantFactory.create(), role=Role.OWNER, username="stranger"))
    assert offered(manager, payment) == {"capture", "void"}
    assert offered(clerk, payment) == set()
    for other in (clerk, stranger):
        for verb in ("capture", "void"):
            address = page(f"payments_payment_{verb}", payment)
            assert other.get(address).status_code in (302, 403, 404)
            assert other.post(address, {"reason": "mine"}).status_code in (302, 403, 404)
    assert manager.post(dialog, {"reason": ""}).status_code == 200
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED

    settings.STRIPE_MAX_RETRIES = 0
    shop.fault("hangup_before", path="/v1/payment_intents/*/cancel")
    manager.post(dialog, {"reason": "No cook"})
    assert "carried out by itself" in told(manager, change)
    manager.post(dialog, {"reason": "No cook"})
    assert "released" in told(manager, change)
    payment.refresh_from_db()
    assert payment.state == PaymentState.CANCELED


def test_staff_charge_the_saved_card_for_what_was_shown(shop: Shop, staff: dict[str, User]):
    booking = shop.book()
    change, dialog = page("bookings_booking_change", booking), page("bookings_booking_charge_card", booking)
    manager = signed_in(staff["manager"])
    assert offered(manager, booking) == set()
    broke = shop.save_card(booking.customer, card="pm_card_chargeCustomerFail")
    card = shop.save_card(booking.customer)
    assert offered(manager, booking) == {"charge_card"}
    assert offered(signed_in(staff["clerk"]), booking) == set()
    assert signed_in(staff["clerk"]).get(dialog).status_code in (302, 403, 404)
    html = manager.get(dialog).content.decode()
    for shown in ("Visa 4242", "$100.00", "$8.00", "Charge $108.00"):
        assert shown in html
    seen = manager.get(dialog).context["shown"]
    entries = {"card": str(card.pk), "reason": "As agreed by phone", "shown": seen}
    for wrong in ({**entries, "shown": "deposit:1:0"}, {**entries, "reason": ""}, {**entries, "card": "0"}):
        assert manager.post(dialog, wrong).status_code == 200
    assert not Payment.objects.exists()

    assert "declined" in manager.post(dialog, {**entries, "card": str(broke.pk)}).content.decode()
    assert manager.post(dialog, entries).status_code == 302
    assert "$108.00 was charged" in told(manager, change)
    assert manager.post(dialog, entries).status_code == 200
    assert Payment.objects.get().received_minor == 10_800
    assert list(CardCharge.objects.values_list("outcome", flat=True)) == ["declined", "succeeded"]
    html = manager.get(change).content.decode()
    assert "Saved cards" in html


def test_staff_see_cards_and_change_none(shop: Shop, staff: dict[str, User]):
    card = shop.save_card(shop.book().customer)
    viewer = signed_in(staff["viewer"])
    listed = viewer.get(reverse("admin:payments_savedcard_changelist"), {"q": "4242 ada"})
    assert [row.pk for row in listed.context["cl"].result_list] == [card.pk]
    change = page("payments_savedcard_change", card)
    html = viewer.get(change).content.decode()
    assert "Ember Test Kitchen to keep it at Stripe" in html
    assert viewer.post(change, {"last4": "0000"}).status_code == 403
    assert SavedCard.objects.get().last4 == "4242"
