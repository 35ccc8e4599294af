"""The pages of signing in, as a person's browser meets them; and the doors that stay shut without a second step."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import OutboxEmail
from customers import access, staff
from customers.authentication import recent, tokens
from customers.models import Membership, Merchant, Role, TokenFamily
from customers.tests.sign_ins import PASSWORD, code, link_in_mail, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.STAFF_MFA_REQUIRED = True
    cache.clear()


@pytest.fixture
def merchant():
    return Merchant.objects.create(name="One", slug="one", email="hello@one.example", is_default=True)


@pytest.fixture
def grace(merchant):
    user = User.objects.create_user("grace@example.com", "grace@example.com", PASSWORD, is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=Role.OWNER)
    return user


def sign_in(client, *, name="grace@example.com", password=PASSWORD, follow=False, back="/admin/"):
    typed = {"login": name, "password": password, "next": back}
    return client.post("/staff/sign-in/", typed, follow=follow)


def set_up_app(client):
    """Set an authenticator app up as its page leads to; the app's secret."""
    page = client.get("/staff/security/totp/activate/")
    assert page.status_code == 200, page.url
    page = page.content.decode()
    [secret] = re.findall(r'id="authenticator_secret">([A-Z2-7]+)<', page)
    answer = client.post("/staff/security/totp/activate/", {"code": code(secret)})
    assert answer.url == "/staff/security/recovery-codes/", answer.content
    return secret


@pytest.mark.django_db(transaction=True)
def test_a_new_owner_signs_in_sets_up_an_app_and_next_time_needs_it(client, grace):
    answer = sign_in(client, follow=True)
    assert answer.redirect_chain[-1][0] == "/staff/security/totp/activate/?next=%2Fadmin%2F"
    secret = set_up_app(client)
    assert Authenticator.objects.get(type="totp").data["secret"] != secret, "encrypted"
    codes = re.findall(r"<code>(\d+)</code>", client.get("/staff/security/recovery-codes/").content.decode())
    assert len(codes) == 10
    assert client.get("/admin/").status_code == 200
    assert {mail.subject for mail in OutboxEmail.objects.all()} == {"Authenticator app set up"}

    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302
    assert sign_in(client, back="/admin/customers/customer/").url == "/staff/security/authenticate/"
    assert client.get("/admin/").status_code == 302, "the password alone opens nothing"
    used = client.post("/staff/security/authenticate/", {"code": code(secret)})
    assert "was used before" in used.content.decode(), "the code that set it up is spent"
    answer = client.post("/staff/security/authenticate/", {"code": code(secret, steps=1)})
    assert answer.url == "/admin/customers/customer/"

    for _ in range(2):
        client.post("/admin/logout/")
        sign_in(client)
        last = client.post("/staff/security/authenticate/", {"code": codes[0]})
    assert "was used before" in last.content.decode(), "a recovery code is good once"
    assert client.post("/staff/security/authenticate/", {"code": codes[1]}).url == "/admin/"


def test_without_a_second_step_every_door_of_staff_is_shut(grace):
    client = shown(Client(), grace, "password")
    for path in (
        "/admin/",
        "/admin/payments/payment/",
        "/admin/customers/membership/add/",
        "/admin/nothing/",
    ):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/staff/security/totp/activate/"), path
    refused = client.get("/api/v1/payments")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")


@pytest.mark.parametrize(
    ("methods", "opens"),
    [
        ([], False),
        (["password"], False),
        (["password", "totp"], True),
        (["password", "recovery_codes"], True),
        (["webauthn"], True),
    ],
)
@pytest.mark.parametrize("kind", ["member", "superuser", "required only outside development"])
def test_who_gets_into_the_console_with_what(client, grace, settings, methods, opens, kind):
    settings.STAFF_MFA_REQUIRED = kind != "required only outside development"
    if kind == "superuser":
        User.objects.update(is_superuser=True)
    shown(client, grace, *methods)
    assert (client.get("/admin/").status_code == 200) is (opens or not settings.STAFF_MFA_REQUIRED)


def test_a_session_older_than_the_second_step_must_show_it_before_it_changes_anything(client, grace):
    shown(client, grace, "password")
    Authenticator.objects.create(user=grace, type="totp", data={"secret": "x"})
    for path in (
        "totp/activate/",
        "totp/deactivate/",
        "webauthn/add/",
        "recovery-codes/",
        "recovery-codes/generate/",
    ):
        for answer in (client.get(f"/staff/security/{path}"), client.post(f"/staff/security/{path}")):
            assert answer["Location"].startswith("/staff/security/reauthenticate/?next="), path
    assert client.post("/staff/password/", {})["Location"].startswith("/staff/security/reauthenticate/")
    assert client.get("/staff/security/reauthenticate/").status_code == 200
    assert Authenticator.objects.count() == 1


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(client, grace):
    other = shown(Client(), grace, "password", "totp")
    shown(client, grace, "password", "totp")
    typed = {
        "oldpassword": "wrong",
        "password1": "another long password",
        "password2": "another long password",
    }
    assert client.post("/staff/password/", typed).status_code == 200
    assert client.post("/staff/password/", {**typed, "oldpassword": PASSWORD}).url == "/staff/security/"
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert [mail.subject for mail in OutboxEmail.objects.all()] == ["Your password was changed"]


def test_what_another_account_had_shown_in_this_browser_counts_for_nothing(client, grace):
    other = User.objects.create_user("other", is_staff=True)
    shown(client, other, "password", "totp")
    session = client.session
    session["_auth_user_id"], session["_auth_user_hash"] = str(grace.pk), grace.get_session_auth_hash()
    session.save()
    assert client.get("/admin/").status_code == 302


def test_a_locked_user_works_nowhere_whatever_asks(grace):
    assert access.places(grace)
    access.forget(grace)
    access.lock(grace)
    assert access.places(grace) == []
    assert not access.may(grace, permission="bookings.view_booking")
    assert not grace.has_perm("bookings.view_booking")


def test_a_wrong_name_and_a_wrong_password_look_alike_and_are_counted(client, grace):
    pages = [
        re.sub(r'(value|nonce)="[^"]*"', "", sign_in(Client(), name=name, password="no").content.decode())
        for name in ("grace@example.com", "nobody@example.com")
    ]
    assert "do not belong together" in pages[0]
    assert pages[0] == pages[1]
    for _ in range(4):
        sign_in(client, password="no")
    assert "Too many wrong attempts" in sign_in(client).content.decode()
    assert client.get("/admin/").status_code == 302


def test_wrong_codes_are_counted_too(client, grace):
    sign_in(client)
    secret = set_up_app(client)
    client.post("/admin/logout/")
    cache.clear()
    sign_in(client)
    for _ in range(5):
        client.post("/staff/security/authenticate/", {"code": "123"})
    stopped = client.post("/staff/security/authenticate/", {"code": code(secret, steps=1)})
    assert "Too many wrong attempts" in stopped.content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_site(client, grace, settings, back):
    settings.STAFF_MFA_REQUIRED = False
    assert client.get(f"/admin/login/?next={back}", follow=True).status_code == 200
    assert sign_in(client, back=back).url == "/admin/"


def test_sign_up_is_closed(client):
    for path in ("/staff/sign-up/", "/staff/signup/", "/accounts/signup/", "/staff/email/"):
        assert client.post(path, {"email": "new@example.com", "password1": PASSWORD}).status_code == 404
    assert not User.objects.exists()


def test_pages_of_signing_in_keep_to_the_content_security_policy(client, grace):
    answer = client.get("/staff/sign-in/")
    page = answer.content.decode()
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert " style=" not in page
    assert "<script>" not in page


def test_somebody_signed_in_who_is_not_staff_is_told_so_and_not_sent_in_circles(client):
    client.force_login(User.objects.create_user("ada"))
    assert client.get("/admin/", follow=True).status_code == 403


# Passwords ----------------------------------------------------------------------------------------


def test_a_forgotten_password_is_chosen_anew_once_by_the_link(client, grace):
    for address in ("Grace@example.com", "nobody@example.com"):
        answer = client.post("/staff/password/forgotten/", {"email": address})
        assert answer.url == "/staff/password/forgotten/sent/"
    mail = OutboxEmail.objects.get()
    assert (mail.to, mail.merchant_id) == ("grace@example.com", None)

    for _ in range(3):  # a scanner may look
        form = client.get(link_in_mail()).url
    assert PASSWORD not in form
    chosen = {"password1": "another long password", "password2": "another long password"}
    assert client.post(form, chosen).url == "/admin/"
    grace.refresh_from_db()
    assert grace.check_password("another long password")
    again = Client().get(link_in_mail() if OutboxEmail.objects.count() == 1 else path_of(mail))
    assert "This link has ended" in again.content.decode()


def path_of(mail):
    return re.findall(r"https?://[^/\s]+(/staff/password/new/\S+)", mail.text)[0]


def test_a_link_ends_after_three_days(client, grace):
    client.post("/staff/password/forgotten/", {"email": "grace@example.com"})
    with time_machine.travel(clock.now() + timedelta(days=3, minutes=1)):
        assert "This link has ended" in client.get(link_in_mail()).content.decode()


def test_a_new_password_does_not_go_round_the_second_step(client, grace):
    sign_in(client)
    set_up_app(client)
    client.post("/admin/logout/")
    client.post("/staff/password/forgotten/", {"email": "grace@example.com"})
    form = client.get(link_in_mail()).url
    chosen = {"password1": "another long password", "password2": "another long password"}
    assert client.post(form, chosen).url == "/staff/security/authenticate/"
    assert client.get("/admin/").status_code == 302


def test_an_invitation_leads_to_the_console_and_a_weak_password_does_not(client, merchant):
    staff.invite(email="New@example.com", merchant=merchant, role=Role.CLERK, name="New Person")
    form = client.get(link_in_mail()).url
    weak = client.post(form, {"password1": "12345678", "password2": "12345678"})
    assert weak.status_code == 200
    new = User.objects.get()
    assert not new.has_usable_password()
    assert client.post(form, {"password1": PASSWORD, "password2": PASSWORD}).url == "/admin/"
    assert client.get("/admin/").url.startswith("/staff/security/totp/activate/")
    set_up_app(client)
    assert Authenticator.objects.filter(user=new, type="totp").exists()


# Recently -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "minutes", "is_recent"),
    [([], 0, False), (["password"], 14, True), (["password"], 16, False), (["password", "totp"], 1, True)],
)
def test_recent_is_what_was_shown_within_a_quarter_of_an_hour(client, rf, grace, methods, minutes, is_recent):
    shown(client, grace, *methods, seconds_ago=minutes * 60)
    request = rf.get("/")
    request.session, request.user = client.session, grace
    assert recent.recently_authenticated(request) is is_recent
    assert not recent.recently_authenticated(request, within=timedelta(seconds=1)) or minutes == 0
    if not is_recent:
        with pytest.raises(recent.ReauthenticationRequired) as refusal:
            recent.require(request)
        assert (refusal.value.status, refusal.value.code) == (403, "reauthentication_required")


def dialog(client, grace):
    person = User.objects.create_user("lost@example.com", "lost@example.com", PASSWORD, is_staff=True)
    place = Membership.objects.create(user=person, merchant=Merchant.objects.get(), role=Role.CLERK)
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    tokens.issue(person, methods={"password", "totp"})
    return person, reverse("admin:customers_membership_let_in_anew", args=[place.pk])


def test_a_dialog_that_matters_leads_to_proof_and_back_and_keeps_what_was_typed(client, grace):
    shown(client, grace, "password", "totp", seconds_ago=16 * 60)
    person, address = dialog(client, grace)
    led = client.post(address, {"reason": "was typed"})
    assert led.url == f"/staff/again/?next={quote(address, safe='')}"
    assert Authenticator.objects.filter(user=person).exists(), "nothing was done"
    on = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/customers/membership/?q=1"}
    out_of_the_dialog = client.get(address, headers=on)["HX-Redirect"]
    assert out_of_the_dialog == "/staff/again/?next=%2Fadmin%2Fcustomers%2Fmembership%2F"
    sent_from_it = client.post(address, {"reason": "was typed"}, headers=on)["HX-Redirect"]
    assert sent_from_it == led.url, "what was typed waits there"
    wrong = client.post("/staff/again/", {"password": "no", "next": address})
    assert wrong.status_code == 200
    assert client.post("/staff/again/", {"password": PASSWORD, "next": address}).url == address
    assert Authenticator.objects.filter(user=person).exists(), "nor by proving it"
    assert "was+typed" in client.session["typed_before_reauthentication"]["form"]
    assert client.get(address).status_code == 200


def test_an_owner_lets_somebody_in_anew_who_lost_their_phone(client, grace):
    shown(client, grace, "password", "totp")
    person, address = dialog(client, grace)
    there = shown(Client(), person, "password", "totp")
    assert there.get("/admin/").status_code == 200

    assert client.get(address).status_code == 200
    assert client.post(address).status_code == 302

    person.refresh_from_db()
    assert not person.has_usable_password()
    assert not Authenticator.objects.filter(user=person).exists()
    assert there.get("/admin/").status_code == 302, "open sessions end"
    assert TokenFamily.objects.get().ended == "closed"
    assert OutboxEmail.objects.get().to == "lost@example.com"
    assert client.post(address).status_code == 302  # a second time: told that there is nothing to take off
    assert OutboxEmail.objects.count() == 1


def test_nobody_lets_themselves_in_anew_and_clerks_nobody(client, grace):
    shown(client, grace, "password", "totp")
    person, address = dialog(client, grace)
    Authenticator.objects.create(user=grace, type="totp", data={"secret": "x"})
    own = reverse("admin:customers_membership_let_in_anew", args=[grace.memberships.get().pk])
    client.post(own)
    assert Authenticator.objects.filter(user=grace).exists()
    clerk = shown(Client(), person, "password", "totp")
    assert clerk.post(own).status_code == 403
    assert clerk.post(address).status_code == 403
    assert Authenticator.objects.count() == 2


def test_the_command_does_the_same_when_no_owner_is_left(capsys, grace):
    with pytest.raises(CommandError, match="no second step"):
        call_command("reset_second_factor", "grace@example.com")
    Authenticator.objects.create(user=grace, type="totp", data={"secret": "x"})
    call_command("reset_second_factor", "grace@example.com")
    assert "grace@example.com" in capsys.readouterr().out
    assert not Authenticator.objects.exists()
    with pytest.raises(CommandError, match="Nobody"):
        call_command("reset_second_factor", "nobody")


def test_the_last_second_step_stays_where_it_is_required(client, grace):
    sign_in(client)
    set_up_app(client)
    for _ in range(2):
        client.post("/staff/security/totp/deactivate/")
    assert Authenticator.objects.filter(type="totp").exists()


def test_second_factors_move_to_the_newest_encryption_key(settings, grace):
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    TOTP.activate(grace, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(grace).get_unused_codes()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    for _ in range(2):
        call_command("rotate_field_encryption", verbosity=0)
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code("JBSWY3DPEHPK3PXP"))
    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == codes
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="no key opens"):
        call_command("rotate_field_encryption")
