"""Staff write prices in currency, rates in percent and times on the caterer's clock; what is stored is exact."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings import slot_runs
from bookings.models import Menu, Slot, TaxRate
from bookings.tests.factories import MenuFactory, MerchantFactory, SlotFactory, booked
from customers.models import Membership, Merchant, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return MerchantFactory.create(name="Harvest Table")


@pytest.fixture
def client(merchant: Merchant) -> Client:
    return of(merchant, role=Role.MANAGER)


def of(merchant: Merchant, *, role: str) -> Client:
    user = User.objects.create_user(f"{merchant.slug}-{role}", is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    client = Client()
    client.force_login(user)
    return client


def menu_form(merchant: Merchant, **changes: str) -> dict[str, object]:
    typed = {"name": "Dinner", "position": "0", "adult_price_minor": "60.00", "child_price_minor": "30"}
    return {"merchant": merchant.pk, "is_active": "on", **typed, **changes}


def slot_form(merchant: Merchant, **changes: str) -> dict[str, object]:
    typed = {"day": "2026-07-04", "starts": "18:00", "ends": "21:00", "capacity": "2", "is_open": "on"}
    return {"merchant": merchant.pk, **typed, **changes}


def run_form(merchant: Merchant, **changes: object) -> dict[str, object]:
    typed: dict[str, object] = {
        "first": "2026-10-30",
        "last": "2026-11-08",
        "weekdays": ["5", "6"],
        "starts": "18:00",
        "ends": "21:00",
        "capacity": "3",
    }
    return {"merchant": merchant.pk, **typed, **changes}


def test_a_menu_is_priced_in_currency_and_stored_in_minor_units(client: Client, merchant: Merchant):
    client.post(reverse("admin:bookings_menu_add"), menu_form(merchant, adult_price_minor="$1,060.50"))

    menu = Menu.objects.get()
    assert (menu.adult_price_minor, menu.child_price_minor, menu.merchant) == (106_050, 3_000, merchant)
    page = client.get(reverse("admin:bookings_menu_change", args=[menu.pk])).content.decode()
    assert 'value="1060.50"' in page


def test_prices_follow_the_merchants_currency(client: Client, merchant: Merchant):
    Merchant.objects.filter(pk=merchant.pk).update(currency="jpy")

    client.post(reverse("admin:bookings_menu_add"), menu_form(merchant, adult_price_minor="6500"))
    refused = client.post(
        reverse("admin:bookings_menu_add"), menu_form(merchant, name="B", child_price_minor="6.50")
    )

    assert Menu.objects.get().adult_price_minor == 6_500
    assert "no decimal places" in str(refused.context["adminform"].form.errors)


@pytest.mark.parametrize("typed", ["-1", "ten", "1.005", ""])
def test_a_price_that_is_none_is_refused(client: Client, merchant: Merchant, typed: str):
    answer = client.post(reverse("admin:bookings_menu_add"), menu_form(merchant, adult_price_minor=typed))

    assert answer.context["adminform"].form.errors["adult_price_minor"]
    assert not Menu.objects.exists()


def test_a_second_menu_of_one_name_is_refused_in_words(client: Client, merchant: Merchant):
    MenuFactory.create(merchant=merchant, name="Dinner")

    answer = client.post(reverse("admin:bookings_menu_add"), menu_form(merchant))

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors


def test_a_tax_rate_is_written_in_percent(client: Client, merchant: Merchant):
    typed = {"merchant": merchant.pk, "name": "Sales tax", "rate": "8.625 %"}

    client.post(reverse("admin:bookings_taxrate_add"), typed)

    rate = TaxRate.objects.get()
    assert rate.rate == Decimal("0.086250")
    page = client.get(reverse("admin:bookings_taxrate_change", args=[rate.pk])).content.decode()
    assert 'value="8.625"' in page


@pytest.mark.parametrize("typed", ["101", "-1", "much", "NaN"])
def test_a_rate_that_is_none_is_refused(client: Client, merchant: Merchant, typed: str):
    typed_form = {"merchant": merchant.pk, "name": "Sales tax", "rate": typed}

    answer = client.post(reverse("admin:bookings_taxrate_add"), typed_form)

    assert answer.context["adminform"].form.errors["rate"]
    assert not TaxRate.objects.exists()


def test_what_is_wrong_with_a_rate_or_a_slot_is_said_in_words(client: Client, merchant: Merchant):
    def wrong(page: str, typed: dict[str, object]) -> str:
        return str(client.post(reverse(page), typed).context["adminform"].form.errors)

    rate = {"merchant": merchant.pk, "name": "Sales tax", "rate": "101"}
    assert "from 0 to 100" in wrong("admin:bookings_taxrate_add", rate)
    backwards = {**rate, "rate": "8", "valid_from": "2027-01-02", "valid_to": "2027-01-01"}
    assert "ends before it begins" in wrong("admin:bookings_taxrate_add", backwards)
    skipped = slot_form(merchant, day="2027-03-14", starts="02:30", ends="03:30")
    assert "02:30 does not exist" in wrong("admin:bookings_slot_add", skipped)
    assert not Slot.objects.exists()


def test_a_slot_is_written_on_the_caterers_clock(client: Client, merchant: Merchant):
    client.post(reverse("admin:bookings_slot_add"), slot_form(merchant))

    slot = Slot.objects.get()
    assert slot.starts_at == datetime(2026, 7, 5, 1, tzinfo=UTC)
    assert slot.ends_at == datetime(2026, 7, 5, 4, tzinfo=UTC)
    assert (slot.capacity, slot.is_open) == (2, True)


def test_a_slot_may_end_after_midnight(client: Client, merchant: Merchant):
    client.post(reverse("admin:bookings_slot_add"), slot_form(merchant, ends="01:00"))

    slot = Slot.objects.get()
    assert (slot.ends_at - slot.starts_at).total_seconds() == 7 * 3600


def test_a_slot_that_exists_already_is_refused_in_words(client: Client, merchant: Merchant):
    client.post(reverse("admin:bookings_slot_add"), slot_form(merchant))

    answer = client.post(reverse("admin:bookings_slot_add"), slot_form(merchant))

    assert "already" in str(answer.context["adminform"].form.errors["day"])
    assert Slot.objects.count() == 1


def test_the_times_of_a_slot_with_bookings_stay_and_its_capacity_changes(client: Client, merchant: Merchant):
    slot = SlotFactory.create(merchant=merchant)
    booked(slot=slot)
    before = (slot.starts_at, slot.ends_at)

    client.post(reverse("admin:bookings_slot_change", args=[slot.pk]), slot_form(merchant, capacity="4"))
    deletion = client.post(reverse("admin:bookings_slot_delete", args=[slot.pk]), {"post": "yes"})

    slot.refresh_from_db()
    assert (slot.starts_at, slot.ends_at) == before
    assert slot.capacity == 4
    assert deletion.status_code == 403


def test_a_run_of_slots_keeps_the_clock_when_daylight_saving_ends(client: Client, merchant: Merchant):
    client.post(reverse("admin:bookings_slot_add_run"), run_form(merchant))

    # Daylight saving ended on Sunday the 1st at 2 o'clock.
    assert list(Slot.objects.values_list("starts_at", flat=True)) == [
        datetime(2026, 11, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 2, 2, tzinfo=UTC),
        datetime(2026, 11, 8, 2, tzinfo=UTC),
        datetime(2026, 11, 9, 2, tzinfo=UTC),
    ]
    assert set(Slot.objects.values_list("capacity", flat=True)) == {3}


def test_a_run_sent_twice_adds_its_slots_once(client: Client, merchant: Merchant):
    for _ in range(2):
        client.post(reverse("admin:bookings_slot_add_run"), run_form(merchant))

    assert Slot.objects.count() == 4


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"last": "2026-10-29"}, "before the first"),
        ({"last": "2028-11-08"}, "at most a year"),
        ({"last": "2026-10-30"}, "None of the chosen weekdays"),
        ({"capacity": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_in_words(
    client: Client, merchant: Merchant, changes: dict[str, object], complaint: str
):
    answer = client.post(reverse("admin:bookings_slot_add_run"), run_form(merchant, **changes))

    assert answer.status_code == 200
    assert complaint in str(answer.context["form"].errors)
    assert not Slot.objects.exists()


def test_a_run_is_not_added_to_another_merchant_nor_by_a_viewer(client: Client, merchant: Merchant):
    rival = MerchantFactory.create()

    answer = client.post(reverse("admin:bookings_slot_add_run"), run_form(rival))
    by_viewer = of(merchant, role=Role.VIEWER).post(
        reverse("admin:bookings_slot_add_run"), run_form(merchant)
    )

    assert answer.context["form"].errors["merchant"]
    assert by_viewer.status_code == 403
    assert not Slot.objects.exists()


def test_a_span_past_midnight_ends_the_next_day():
    start, end = slot_runs.span(
        date(2026, 7, 4), starts=time(20), ends=time(2), timezone="America/Los_Angeles"
    )

    assert (start.date(), end.date()) == (date(2026, 7, 4), date(2026, 7, 5))
