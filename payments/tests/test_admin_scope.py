"""Two merchants' staff never see each other's rows: lists, pages, histories, autocompletes, choices, actions."""

from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from bookings.models import Menu
from core.models import OutboxEmail
from customers import access
from customers.models import Customer, Membership, Merchant, Role
from payments.models import CreditNote, EventState, Receipt, WebhookEvent
from payments.tests import console_world
from payments.tests.console_world import World

pytestmark = pytest.mark.django_db

OURS, THEIRS = "Harvest Table", "Rival Kitchen"


@pytest.fixture
def ours() -> World:
    return console_world.build(OURS)


@pytest.fixture
def theirs() -> World:
    return console_world.build(THEIRS)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def scoped_models() -> list[type[Model]]:
    return [model for model in admin.site._registry if model is not User]


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def rows_of(world: World, model: type[Model]) -> list[Model]:
    """That merchant's rows, found without the console's own scoping."""
    paths: dict[str, dict[str, object]] = {
        "merchant": {"pk": world.merchant.pk},
        "outboxemail": {"merchant_id": world.merchant.pk},
        "refund": {"payment__merchant": world.merchant},
        "webhookevent": {"endpoint": world.endpoint},
        "balancetransaction": {"gateway_account": world.account},
    }
    found = paths.get(model._meta.model_name or "", {"merchant": world.merchant})
    if model._meta.app_label == "djstripe":
        path = "id" if model._meta.model_name in ("account", "accountv2") else "djstripe_owner_account_id"
        found = {path: world.account.stripe_account_id}
    return list(model._default_manager.filter(**found))


def test_no_list_shows_a_row_of_another_merchant(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])
    shown = 0
    for model in [model for model in scoped_models() if rows_of(theirs, model)]:
        answer = client.get(address(model, "changelist"))

        assert answer.status_code == 200, model
        listed = {row.pk for row in answer.context["cl"].result_list}
        assert listed == {row.pk for row in rows_of(ours, model)}, model
        assert THEIRS not in answer.content.decode(), model
        assert theirs.merchant.slug not in answer.content.decode(), model
        shown += len(listed)
    assert shown > 30


def test_no_page_or_history_of_another_merchants_row_opens(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])
    tried = 0
    for model in scoped_models():
        for row in rows_of(theirs, model)[:1]:
            for page in ("change", "history", "delete"):
                answer = client.get(address(model, page, row.pk))

                assert answer.status_code in (302, 403, 404), (model, page)
                assert THEIRS not in answer.content.decode(), (model, page)
            tried += 1
    assert tried >= 18


def test_posting_to_another_merchants_row_changes_nothing(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])

    client.post(address(Menu, "change", theirs.menu.pk), {"name": "Taken over", "merchant": ours.merchant.pk})
    client.post(address(Merchant, "change", theirs.merchant.pk), {"name": "Taken over"})
    client.post(address(Menu, "delete", theirs.menu.pk), {"post": "yes"})

    theirs.menu.refresh_from_db()
    theirs.merchant.refresh_from_db()
    assert (theirs.menu.name, theirs.merchant.name) == (f"{THEIRS} dinner", THEIRS)


def test_autocomplete_finds_only_our_own(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])
    asked = {"app_label": "payments", "model_name": "payment", "field_name": "customer", "term": "of"}

    answer = client.get(f"{reverse('admin:autocomplete')}?{urlencode(asked)}")

    found = [each["text"] for each in answer.json()["results"]]
    assert found
    assert all(OURS in text for text in found)


def test_choices_of_a_form_are_our_own_merchants_alone(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])

    form = client.get(address(Menu, "add")).context["adminform"].form

    assert list(form.fields["merchant"].queryset) == [ours.merchant]


def test_a_row_cannot_be_added_to_another_merchant(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])
    typed = {
        "merchant": theirs.merchant.pk,
        "name": "Slipped in",
        "position": "0",
        "adult_price_minor": "10",
        "child_price_minor": "5",
    }

    answer = client.post(address(Menu, "add"), typed)

    assert answer.context["adminform"].form.errors["merchant"]
    assert not Menu.objects.filter(name="Slipped in").exists()


def test_a_person_of_two_merchants_chooses_where_they_may_write(ours: World, theirs: World):
    both = ours.staff[Role.OWNER]
    Membership.objects.create(user=both, merchant=theirs.merchant, role=Role.VIEWER)
    client = signed_in(both)

    form = client.get(address(Menu, "add")).context["adminform"].form
    listed = client.get(address(Menu, "changelist")).context["cl"].result_list
    page = client.get(address(Menu, "change", theirs.menu.pk))

    assert list(form.fields["merchant"].queryset) == [ours.merchant]
    assert {row.merchant_id for row in listed} == {ours.merchant.pk, theirs.merchant.pk}
    assert page.status_code == 200
    assert not page.context["has_change_permission"]
    assert client.post(address(Menu, "change", theirs.menu.pk), {"name": "x"}).status_code == 403


def test_the_merchant_filter_is_offered_to_people_of_several_merchants_only(ours: World, theirs: World):
    both = ours.staff[Role.MANAGER]
    of_one = signed_in(both).get(address(Customer, "changelist")).context["cl"]
    Membership.objects.create(user=both, merchant=theirs.merchant, role=Role.VIEWER)
    client = signed_in(both)

    of_two = client.get(address(Customer, "changelist")).context["cl"]
    narrowed = client.get(f"{address(Customer, 'changelist')}?of={theirs.merchant.pk}").context["cl"]

    assert not of_one.has_filters
    assert of_two.has_filters
    assert {row.merchant_id for row in narrowed.result_list} == {theirs.merchant.pk}


def test_handling_again_touches_only_our_own_events(ours: World, theirs: World):
    client = signed_in(ours.staff[Role.OWNER])
    troubled = [world.events[1] for world in (ours, theirs)]
    assert {event.state for event in troubled} == {EventState.FAILED}
    before = theirs.events[1].due_at

    client.post(
        address(WebhookEvent, "changelist"),
        {"action": "handle_again", "_selected_action": [event.pk for event in troubled]},
    )
    single = client.post(address(WebhookEvent, "handle_this_again", troubled[1].pk))

    for event in troubled:
        event.refresh_from_db()
    assert troubled[0].due_at < ours.events[1].received_at.replace(year=2999)
    assert troubled[0].attempts == 0
    assert (troubled[1].attempts, troubled[1].due_at) == (3, before)
    assert single.status_code == 403


def test_a_superuser_without_membership_sees_nothing_of_merchants(ours: World):
    client = signed_in(User.objects.create_superuser("root"))

    for model in scoped_models():
        answer = client.get(address(model, "changelist"))
        assert answer.status_code == 403, model
    start = client.get(reverse("admin:index"))
    assert OURS not in start.content.decode()
    assert "work for no caterer" in start.content.decode()
    assert client.get(address(User, "changelist")).status_code == 200


def test_who_works_nowhere_gets_an_empty_console(ours: World):
    client = signed_in(User.objects.create_user("new", is_staff=True))

    assert "work for no caterer" in client.get(reverse("admin:index")).content.decode()
    assert client.get(address(OutboxEmail, "changelist")).status_code == 403


def test_who_lost_the_membership_is_out_at_once(ours: World):
    owner = ours.staff[Role.OWNER]
    client = signed_in(owner)
    assert client.get(address(Customer, "changelist")).status_code == 200

    Membership.objects.filter(user=owner).delete()

    assert client.get(address(Customer, "changelist")).status_code == 403
    assert client.get(address(Customer, "change", ours.bookings[0].customer_id)).status_code in (302, 403)


@pytest.mark.parametrize("model", [Receipt, CreditNote])
def test_the_pdf_of_a_paper_is_our_own_alone(ours: World, theirs: World, model: type[Receipt | CreditNote]):
    client = signed_in(ours.staff[Role.VIEWER])
    papers = dict(model._default_manager.values_list("merchant_id", "pk"))
    name = f"admin:payments_{model._meta.model_name}_pdf"

    mine = client.get(reverse(name, args=[papers[ours.merchant.pk]]))
    other = client.get(reverse(name, args=[papers[theirs.merchant.pk]]))

    assert mine.content == b"%PDF-1.7 harvest-table"
    assert mine["Content-Disposition"].startswith("attachment;")
    assert other.status_code == 404


def test_the_balances_are_our_own_alone(ours: World, theirs: World):
    answer = signed_in(ours.staff[Role.VIEWER]).get(reverse("admin:payments_ledgertransaction_balances"))

    balances = answer.context["balances"]
    assert [balance.title for balance in balances] == [f"{OURS}, USD"]
    assert balances[0].difference_minor == 0
    assert "sum to zero" in answer.content.decode()


def test_users_are_offered_to_nobody_but_superusers(ours: World):
    client = signed_in(ours.staff[Role.OWNER])
    asked = {"app_label": "customers", "model_name": "membership", "field_name": "user", "term": ""}

    assert client.get(address(User, "changelist")).status_code == 403
    assert client.get(f"{reverse('admin:autocomplete')}?{urlencode(asked)}").status_code in (403, 404)
    assert not access.may(ours.staff[Role.OWNER], permission="auth.view_user")
