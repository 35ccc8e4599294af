"""The merchant's settings, its staff and its customers, as their pages change them."""

import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from core.models import OutboxEmail
from customers.models import Customer, Membership, Merchant, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return Merchant.objects.create(name="Harvest Table", slug="harvest", email="hello@harvest.example")


@pytest.fixture
def owner(merchant: Merchant) -> User:
    return employed(merchant, role=Role.OWNER)


@pytest.fixture
def client(owner: User) -> Client:
    return signed_in(owner)


def employed(merchant: Merchant, *, role: str) -> User:
    user = User.objects.create_user(f"{merchant.slug}-{role}", is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def settings_form(client: Client, merchant: Merchant, **changes: Any) -> dict[str, Any]:
    """The page's own values with what was typed over them."""
    form = (
        client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).context["adminform"].form
    )
    kept = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in kept.items() if value not in (None, False)} | changes


def saved(client: Client, merchant: Merchant, **changes: Any) -> str:
    """What the form complained about; empty when it was stored."""
    address = reverse("admin:customers_merchant_change", args=[merchant.pk])
    answer = client.post(address, settings_form(client, merchant, **changes))
    merchant.refresh_from_db()
    return str(answer.context["adminform"].form.errors) if answer.status_code == 200 else ""


def test_settings_are_written_in_percent_and_currency(client: Client, merchant: Merchant):
    assert saved(client, merchant, card_fee_rate="2.9", deposit_minor="250.00", hold_minutes="60") == ""

    assert merchant.card_fee_rate == Decimal("0.029")
    assert (merchant.deposit_minor, merchant.hold_minutes) == (25_000, 60)


def test_the_cancellation_policy_is_written_in_lines_for_bookings_to_come(client: Client, merchant: Merchant):
    page = client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).content.decode()
    assert "14 days: 100 %" in page
    for wrong, why in (
        ("", "required"),
        ("soon: all", "type days and a share"),
        ("14 days: 101 %", "type days and a share"),
        ("-1 days: 5 %", "type days and a share"),
        ("7: 50\n7: 40", "once"),
        ("14: 20\n7: 50", "no more back"),
    ):
        assert why in saved(client, merchant, cancellation_policy=wrong)
    assert merchant.cancellation_policy[0] == {"days_before": 14, "refund_percent": 100}

    assert saved(client, merchant, cancellation_policy="3 days: 25%\r\n30 = 90\r\n") == ""

    assert [tuple(each.values()) for each in merchant.cancellation_policy] == [(30, 90), (3, 25), (0, 0)]


def test_a_time_is_held_long_enough_to_pay_and_given_credit_lasts_a_day(client: Client, merchant: Merchant):
    assert "10 minutes at least" in saved(client, merchant, hold_minutes="0")
    assert "A day at least" in saved(client, merchant, credit_valid_days="0")
    assert (merchant.hold_minutes, merchant.credit_valid_days) == (45, None)


def test_a_surcharge_above_three_percent_is_refused_and_the_page_says_why(client: Client, merchant: Merchant):
    page = client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).content.decode()

    complaint = saved(client, merchant, fee_presentation="surcharge", card_fee_rate="3.1")

    assert "card networks forbid" in page
    assert "above 3 %" in complaint
    assert merchant.fee_presentation == "discount"
    assert saved(client, merchant, fee_presentation="surcharge", card_fee_rate="3") == ""
    assert merchant.fee_presentation == "surcharge"


@pytest.mark.parametrize(
    ("field", "typed"), [("timezone", "Mars/Base"), ("locale", "xx_YY_zz_1"), ("card_fee_rate", "120")]
)
def test_settings_that_would_break_pages_are_refused(
    client: Client, merchant: Merchant, field: str, typed: str
):
    assert field in saved(client, merchant, **{field: typed})


def test_what_the_platform_decides_is_not_the_owners_to_change(client: Client, merchant: Merchant):
    saved(
        client, merchant, fee_tier="enterprise", currency="eur", slug="other", is_default="on", name="Renamed"
    )

    assert merchant.name == "Renamed"
    assert (merchant.fee_tier, merchant.currency, merchant.slug, merchant.is_default) == (
        "starter",
        "usd",
        "harvest",
        False,
    )


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CLERK, Role.VIEWER])
def test_only_owners_change_settings_and_see_staff(merchant: Merchant, role: str):
    client = signed_in(employed(merchant, role=role))

    answer = client.post(reverse("admin:customers_merchant_change", args=[merchant.pk]), {"name": "x"})

    assert answer.status_code == 403
    assert client.get(reverse("admin:customers_membership_changelist")).status_code == 403


def invite(client: Client, merchant: Merchant, **typed: str) -> Any:
    body = {
        "merchant": merchant.pk,
        "email": "Grace@Example.com",
        "name": "Grace Example",
        "role": "clerk",
        **typed,
    }
    return client.post(reverse("admin:customers_membership_add"), body)


def test_an_owner_invites_somebody_who_then_chooses_a_password(client: Client, merchant: Merchant):
    invite(client, merchant)

    grace = User.objects.get(username="grace@example.com")
    assert (grace.is_staff, grace.is_superuser, grace.has_usable_password()) == (True, False, False)
    assert grace.get_full_name() == "Grace Example"
    assert [(row.merchant, row.role) for row in grace.memberships.all()] == [(merchant, "clerk")]
    mail = OutboxEmail.objects.get()
    assert mail.to == "grace@example.com"
    assert mail.merchant_id is None, "its link is nobody else's to read"
    assert "Harvest Table" in mail.text
    assert "/staff/password/new/" in mail.text
    assert "/staff/password/new/" in mail.html

    client.post(reverse("admin:customers_membership_send_again", args=[grace.memberships.get().pk]))
    assert OutboxEmail.objects.count() == 2


def test_inviting_somebody_who_signs_in_already_keeps_their_password_and_sends_no_link(
    client: Client, merchant: Merchant
):
    User.objects.create_user("grace", "grace@example.com", password="their own password")

    invite(client, merchant, role="viewer")

    grace = User.objects.get(username="grace")
    assert grace.check_password("their own password")
    assert grace.is_staff
    assert grace.memberships.get().role == "viewer"
    assert "/staff/password/new/" not in OutboxEmail.objects.get().text

    client.post(reverse("admin:customers_membership_send_again", args=[grace.memberships.get().pk]))
    assert OutboxEmail.objects.count() == 1


def test_somebody_who_works_here_already_or_was_shut_out_is_not_invited(
    client: Client, owner: User, merchant: Merchant
):
    User.objects.filter(pk=owner.pk).update(email="owner@example.com")
    User.objects.create_user("closed", "closed@example.com", is_active=False)

    for email in ("owner@example.com", "closed@example.com", "no address"):
        answer = invite(client, merchant, email=email)
        assert answer.context["adminform"].form.errors["email"]

    assert Membership.objects.count() == 1
    assert not OutboxEmail.objects.exists()


def test_the_last_owner_stays_owner(client: Client, owner: User, merchant: Merchant):
    place = owner.memberships.get()
    change = reverse("admin:customers_membership_change", args=[place.pk])

    demoted = client.post(change, {"merchant": merchant.pk, "role": "viewer"})
    removed = client.post(reverse("admin:customers_membership_delete", args=[place.pk]), {"post": "yes"})

    place.refresh_from_db()
    assert "last owner" in str(demoted.context["adminform"].form.errors)
    assert removed.status_code == 403
    assert place.role == Role.OWNER


def test_an_owner_may_go_when_another_stays(client: Client, owner: User, merchant: Merchant):
    other = User.objects.create_user("second", is_staff=True)
    Membership.objects.create(user=other, merchant=merchant, role=Role.OWNER)
    place = owner.memberships.get()

    client.post(
        reverse("admin:customers_membership_change", args=[place.pk]),
        {"merchant": merchant.pk, "role": "clerk"},
    )

    place.refresh_from_db()
    assert place.role == "clerk"


def test_a_customers_address_is_kept_in_lower_case_and_once(client: Client, merchant: Merchant):
    typed = {
        "merchant": merchant.pk,
        "name": "Ada Example",
        "email": "Ada@Example.COM",
        "phone": "",
        "notes": "",
    }
    add = reverse("admin:customers_customer_add")

    client.post(add, typed)
    again = client.post(add, typed)

    assert Customer.objects.get().email == "ada@example.com"
    assert again.status_code == 200
    assert again.context["adminform"].form.errors


def test_where_transfers_go_is_checked_and_the_banks_qr_is_drawn_anew(
    client: Client, merchant: Merchant, settings: Any, tmp_path: Any
) -> None:
    settings.PRIVATE_MEDIA_ROOT = tmp_path
    assert not saved(client, merchant, zelle_contact="(415) 555-2671", venmo_handle="harvest-table")
    assert (merchant.zelle_contact, merchant.takes("zelle"), merchant.takes("venmo")) == (
        "(415) 555-2671",
        True,
        True,
    )
    for wrong in ({"zelle_contact": "call us"}, {"venmo_handle": "@a b"}, {"claim_hold_hours": "73"}):
        assert next(iter(wrong)) in saved(client, merchant, **wrong)
    picture = io.BytesIO()
    Image.new("RGB", (50, 50)).save(picture, "JPEG")
    upload = SimpleUploadedFile("qr.exe", picture.getvalue())
    assert not saved(client, merchant, zelle_qr_upload=upload)
    [kept] = tmp_path.rglob("*.png")
    assert Image.open(kept).format == "PNG"
    page = client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).content.decode()
    assert "data:image/png;base64," in page
    bad = SimpleUploadedFile("qr.png", b"no picture")
    assert "zelle_qr_upload" in saved(client, merchant, zelle_qr_upload=bad)
    assert not saved(client, merchant, zelle_qr_remove="on")
    assert not merchant.zelle_qr


def test_rules_for_refunds_moves_credit_and_loyalty_are_written_in_currency_and_days(
    client: Client, merchant: Merchant
) -> None:
    page = client.get(reverse("admin:customers_merchant_change", args=[merchant.pk])).content.decode()
    for words in (
        "Who sends money back",
        "A second person from",
        "500.00",
        "Credit and loyalty",
        "Fee for moving",
    ):
        assert words in page
    typed = {
        "approval_from_minor": "750.00",
        "reauthenticate_from_minor": "100",
        "manager_daily_refunds_minor": "2,000.00",
        "move_fee_minor": "25.00",
        "move_days_before": "10",
        "credit_valid_days": "365",
        "remind_days_before": "5",
        "silver_from_minor": "500.00",
    }
    assert not saved(client, merchant, **typed)
    assert (merchant.approval_from_minor, merchant.reauthenticate_from_minor) == (75_000, 10_000)
    assert (merchant.manager_daily_refunds_minor, merchant.move_fee_minor) == (200_000, 2_500)
    assert (merchant.move_days_before, merchant.credit_valid_days, merchant.remind_days_before) == (
        10,
        365,
        5,
    )
    assert "Each tier begins above" in saved(client, merchant, gold_from_minor="400.00")
    assert merchant.gold_from_minor == 250_000
    assert not saved(client, merchant, manager_daily_refunds_minor="", credit_valid_days="")
    assert (merchant.manager_daily_refunds_minor, merchant.credit_valid_days) == (None, None)
