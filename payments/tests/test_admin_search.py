"""Finding a row by what people have at hand, and handling an event once more."""

import pytest

from customers.models import Role
from payments.models import Payment, WebhookEvent
from payments.tests import console_world
from payments.tests.console_world import World
from payments.tests.test_admin_scope import address, signed_in

pytestmark = pytest.mark.django_db
BY_CARD = {"method__exact": "card"}


@pytest.fixture
def world() -> World:
    return console_world.build("Harvest Table", rows=3)


@pytest.mark.parametrize("typed", ["{code}", "{lower}", " {half}-{rest} ", "{half} {rest}", "#{code}"])
def test_a_booking_is_found_by_its_code_however_it_was_typed(world: World, typed: str):
    code = world.bookings[0].code
    term = typed.format(code=code, lower=code.lower(), half=code[:4], rest=code[4:].lower())
    client = signed_in(world.staff[Role.OWNER])

    found = client.get(address(type(world.bookings[0]), "changelist"), {"q": term}).context["cl"].result_list
    paid = client.get(address(Payment, "changelist"), {"q": term, **BY_CARD}).context["cl"].result_list

    assert [row.pk for row in found] == [world.bookings[0].pk]
    assert [row.pk for row in paid] == [world.payments[0].pk]


def test_a_payment_is_found_by_what_stripe_calls_it_and_by_its_customer(world: World):
    payment = world.payments[1]
    client = signed_in(world.staff[Role.OWNER])
    for term in (
        payment.stripe_charge_id,
        payment.stripe_payment_intent_id,
        str(payment.public_id),
        "grace sample",
    ):
        found = client.get(address(Payment, "changelist"), {"q": term, **BY_CARD}).context["cl"].result_list
        assert [row.pk for row in found] == [payment.pk], term


def test_an_event_is_found_by_its_id_and_by_the_object_it_is_about(world: World):
    event, payment = world.events[1], world.payments[1]
    client = signed_in(world.staff[Role.OWNER])
    for term in (event.stripe_event_id, payment.stripe_payment_intent_id):
        found = client.get(address(WebhookEvent, "changelist"), {"q": term}).context["cl"].result_list
        assert [row.pk for row in found] == [event.pk], term


def test_only_failed_events_and_those_given_up_are_handled_again_and_only_by_post(world: World):
    console_world.grow(world, rows=1)
    handled, failed, dead = world.events[0], world.events[1], world.events[3]
    client = signed_in(world.staff[Role.MANAGER])
    before = {event.pk: event.due_at for event in (handled, failed, dead)}

    question = client.get(address(WebhookEvent, "handle_this_again", failed.pk))
    failed.refresh_from_db()
    assert question.status_code == 200
    assert failed.due_at == before[failed.pk]

    client.post(address(WebhookEvent, "handle_this_again", failed.pk))
    client.post(
        address(WebhookEvent, "changelist"),
        {"action": "handle_again", "_selected_action": [handled.pk, dead.pk]},
    )

    for event in (handled, failed, dead):
        event.refresh_from_db()
    assert handled.due_at == before[handled.pk]
    assert handled.state == "handled"
    assert failed.due_at < before[failed.pk]
    assert dead.due_at < before[dead.pk]
    assert dead.state == "failed"


@pytest.mark.parametrize("role", [Role.CLERK, Role.VIEWER])
def test_clerks_and_viewers_handle_no_event_again(world: World, role: str):
    client = signed_in(world.staff[role])
    event = world.events[1]

    answer = client.post(address(WebhookEvent, "handle_this_again", event.pk))
    client.post(
        address(WebhookEvent, "changelist"), {"action": "handle_again", "_selected_action": [event.pk]}
    )

    event.refresh_from_db()
    assert answer.status_code == 403
    assert event.attempts == 3
