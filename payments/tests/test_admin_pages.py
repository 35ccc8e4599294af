"""Every page of the console opens, shows no key, and changes no money row."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Booking, Instalment
from core.models import OutboxEmail
from customers.console import ReadOnlyAdmin
from customers.models import Membership, Role
from payments.models import (
    DeskItem,
    GatewayAccount,
    LedgerTransaction,
    Payment,
    Receipt,
    Refund,
    WebhookEvent,
)
from payments.tests import console_rows, console_world
from payments.tests.console_rows import CLIENT_SECRET, SECRET_KEY, WEBHOOK_SECRET
from payments.tests.console_world import World
from payments.tests.test_admin_scope import address, rows_of, scoped_models, signed_in

pytestmark = pytest.mark.django_db

NEVER_SHOWN = (
    SECRET_KEY,
    WEBHOOK_SECRET,
    CLIENT_SECRET,
    settings.STRIPE_SECRET_KEY,
    settings.STRIPE_WEBHOOK_SECRETS[0],
)
HOLDS_SECRETS = {"apikey", "webhookendpoint", "webhookeventtrigger", "idempotencykey"}


@pytest.fixture
def world() -> World:
    return console_world.build("Harvest Table", rows=3)


def pages(client: Client, world: World) -> Iterator[tuple[str, str]]:
    """Address and HTML of the start page, and of each model's list, first page and history."""
    for path in (reverse("admin:index"), reverse("admin:payments_ledgertransaction_balances")):
        yield path, client.get(path).content.decode()
    for model in scoped_models():
        yield _opened(client, address(model, "changelist"))
        for row in rows_of(world, model)[:1]:
            yield _opened(client, address(model, "change", row.pk))


def _opened(client: Client, path: str) -> tuple[str, str]:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return path, answer.content.decode()


def test_every_page_opens_for_the_owner_and_shows_no_secret(world: World):
    console_rows.mirror_everything(world.account)
    seen = list(pages(signed_in(world.staff[Role.OWNER]), world))

    assert len(seen) == 2 + 2 * len(scoped_models())
    for path, html in seen:
        assert not [secret for secret in NEVER_SHOWN if secret in html], path


def test_a_booking_says_why_paid_and_due_are_more_than_its_total_and_an_empty_list_that_nothing_fits(
    world: World,
):
    client = signed_in(world.staff[Role.VIEWER])
    part = Instalment.objects.filter(booking__merchant=world.merchant).first()
    assert part is not None
    page = address(Booking, "change", part.booking_id)
    assert "above the plan" not in client.get(page).text
    Instalment.objects.filter(pk=part.pk).update(paid_minor=part.amount_minor + 5_000)
    assert "$50.00 of it above the plan" in client.get(page).text
    assert "Nothing fits" in client.get(address(Booking, "changelist") + "?q=nobody").text


def test_every_page_opens_for_a_viewer_and_shows_no_secret(world: World):
    console_rows.mirror_everything(world.account)
    client = signed_in(world.staff[Role.VIEWER])
    for hidden in (Membership, GatewayAccount):
        assert client.get(address(hidden, "changelist")).status_code == 403

    for model in scoped_models():
        if model in (Membership, GatewayAccount):
            continue
        _, html = _opened(client, address(model, "changelist"))
        for row in rows_of(world, model)[:1]:
            html += _opened(client, address(model, "change", row.pk))[1]
        assert not [secret for secret in NEVER_SHOWN if secret in html], model


def test_models_that_hold_secrets_have_no_pages_at_all():
    registered = {model._meta.model_name for model in admin.site._registry}

    assert not registered & HOLDS_SECRETS


def test_payloads_are_shown_without_what_opens_an_intent(world: World):
    client = signed_in(world.staff[Role.OWNER])

    html = client.get(address(WebhookEvent, "change", world.events[0].pk)).content.decode()

    assert world.payments[0].stripe_payment_intent_id in html
    assert "(not shown)" in html


@pytest.mark.parametrize("role", list(Role))
def test_nobody_adds_changes_or_deletes_money_rows(world: World, role: str):
    client = signed_in(world.staff[role])
    read_only = [model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)]
    assert {Payment, Refund, Receipt, DeskItem, WebhookEvent, LedgerTransaction, OutboxEmail} <= set(
        read_only
    )

    for model in read_only:
        before = model._default_manager.count()
        row = next(iter(rows_of(world, model)), None)
        assert client.post(address(model, "add"), {}).status_code in (403, 404), model
        if row is None:
            continue
        # A statement's own page leads on to its lines.
        assert client.post(address(model, "change", row.pk), {}).status_code in (200, 302, 403), model
        assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        client.post(
            address(model, "changelist"),
            {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
        )
        assert model._default_manager.count() == before, model


def test_no_list_offers_a_bulk_deletion(world: World):
    request = signed_in(world.staff[Role.OWNER]).get(address(Payment, "changelist")).wsgi_request

    offered = {name for page in admin.site._registry.values() for name in page.get_actions(request)}

    assert offered == {"handle_again"}


def test_a_booking_opens_with_its_money_and_only_its_notes_can_be_written(world: World):
    booking = world.bookings[0]
    client = signed_in(world.staff[Role.CLERK])
    page = address(type(booking), "change", booking.pk)
    html = client.get(page).content.decode()

    client.post(page, {"staff_notes": "Nut allergy at table 2", "total_minor": "1", "state": "cancelled"})

    assert [panel.title for panel in client.get(page).context["panels"]] == [
        "Price",
        "Plan",
        "Payments",
        "Refunds",
        "Saved cards",
        "Changes",
        "History",
        "Ledger",
    ]
    for shown in ("$717.75", "$100.00", "$617.75", "Visa 4242", "Sales tax 8.75 %", "Clearing: Stripe"):
        assert shown in html
    booking.refresh_from_db()
    assert (booking.staff_notes, booking.total_minor, booking.state) == (
        "Nut allergy at table 2",
        71_775,
        "confirmed",
    )


def test_a_viewer_writes_no_notes(world: World):
    booking = world.bookings[0]
    client = signed_in(world.staff[Role.VIEWER])

    answer = client.post(address(type(booking), "change", booking.pk), {"staff_notes": "x"})

    booking.refresh_from_db()
    assert answer.status_code == 403
    assert booking.staff_notes == ""


def test_a_payments_page_tells_fees_tries_history_and_ledger(world: World):
    estimated, told = world.payments[0], world.payments[1]
    client = signed_in(world.staff[Role.OWNER])

    html = client.get(address(Payment, "change", estimated.pk)).content.decode()
    other = client.get(address(Payment, "change", told.pk)).content.decode()

    for shown in (
        "insufficient_funds",
        "R-000001 (PDF)",
        estimated.stripe_charge_id,
        "Customer deposits",
        "estimate",
    ):
        assert shown in html
    # 108.00 - 3.24 platform - 3.43 gateway: estimated at 2.9 % + 0.30, and told
    assert "$101.33" in html
    assert "$101.33" in other
    assert "estimate until" not in other


def test_lists_take_the_same_number_of_statements_for_few_rows_and_for_many(world: World):
    client = signed_in(world.staff[Role.OWNER])
    models = [model for model in scoped_models() if rows_of(world, model)]
    few = {model: _statements(client, address(model, "changelist")) for model in models}
    few_start = _statements(client, reverse("admin:index"))
    details: list[tuple[type[Model], int]] = [
        (Payment, world.payments[0].pk),
        (type(world.bookings[0]), world.bookings[0].pk),
    ]
    few_pages = [_statements(client, address(model, "change", pk)) for model, pk in details]

    console_world.grow(world, rows=27)

    many = {model: _statements(client, address(model, "changelist")) for model in models}
    assert many == few
    assert max(many.values()) <= 10
    assert _statements(client, reverse("admin:index")) == few_start <= 20
    assert [_statements(client, address(model, "change", pk)) for model, pk in details] == few_pages


def _statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_large_lists_are_not_counted_to_the_end(world: World, monkeypatch: pytest.MonkeyPatch):
    from customers.console import CappedPaginator

    monkeypatch.setattr(CappedPaginator, "LIMIT", 2)
    client = signed_in(world.staff[Role.OWNER])

    answer = client.get(address(Payment, "changelist"))

    assert answer.context["cl"].result_count == 2
    assert "the newest 2" in answer.content.decode()
    for model in (Payment, WebhookEvent, LedgerTransaction):
        page = admin.site._registry[model]
        assert page.paginator is CappedPaginator
        assert page.show_full_result_count is False


def test_times_are_the_merchants_own(world: World):
    Merchant = type(world.merchant)
    Merchant.objects.filter(pk=world.merchant.pk).update(timezone="Asia/Tokyo")
    payment = world.payments[0]
    Payment.objects.filter(pk=payment.pk).update(created_at="2026-05-01T16:30:00Z")
    client = signed_in(world.staff[Role.OWNER])

    assert "2 May 2026, 01:30" in client.get(address(Payment, "changelist")).content.decode()


def test_sign_ins_are_managed_by_superusers_with_unfolds_forms(world: World):
    client = signed_in(User.objects.create_superuser("root"))

    page = client.get(address(User, "change", world.staff[Role.CLERK].pk))

    assert page.status_code == 200
    assert client.get(address(User, "add")).status_code == 200
    assert client.get(address(User, "delete", world.staff[Role.CLERK].pk)).status_code == 403
