"""Signing in over the API: tokens only for who has shown enough, each refresh token good once."""

import threading
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from core import clock
from customers.authentication import tokens
from customers.models import Customer, Membership, Merchant, RefreshToken, Role, TokenFamily

pytestmark = pytest.mark.django_db
PASSWORD = "a long sample password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = clock.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.STAFF_MFA_REQUIRED = True
    cache.clear()


@pytest.fixture
def merchant():
    return Merchant.objects.create(name="One", slug="one", email="hello@one.example", is_default=True)


@pytest.fixture
def grace(merchant):
    """An owner with an authenticator app and recovery codes."""
    user = User.objects.create_user("grace@example.com", "grace@example.com", PASSWORD, is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=Role.OWNER)
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)
    return user


def code(steps=0):
    return format_hotp_value(hotp_value(SECRET, int(clock.now().timestamp()) // 30 + steps))


def post(path, **body):
    return APIClient().post(f"/api/v1/auth/{path}", body, format="json")


def sign_in(**body):
    return post("login", **{"email": "grace@example.com", "password": PASSWORD, **body})


def me(token):
    return APIClient().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})


def refused(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_staff_get_tokens_after_password_and_code(grace):
    answer = sign_in(code=code())
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    known = me(body["access_token"])
    assert known.status_code == 200
    assert known.json()["memberships"] == [{"merchant": "one", "merchant_name": "One", "role": "owner"}]
    assert known.json()["authentication"] == {
        "by": "token",
        "methods": ["password", "totp"],
        "at": known.json()["authentication"]["at"],
        "is_recent": True,
    }
    staff_list = APIClient().get(
        "/api/v1/bookings", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    assert staff_list.status_code == 200
    assert not RefreshToken.objects.filter(digest=body["refresh_token"]).exists(), "only its hash is kept"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"password": "wrong"}, (401, "invalid_credentials")),
        ({"email": "nobody@example.com"}, (401, "invalid_credentials")),
        ({}, (401, "second_factor_required")),
        ({"code": "000000"}, (401, "invalid_code")),
        ({"email": "a\x00b"}, (422, "invalid")),
        ({"password": ""}, (422, "invalid")),
    ],
)
def test_a_refused_sign_in_gives_no_token_and_says_how_one_signs_in(grace, body, told):
    answer = sign_in(**body)
    assert refused(answer) == told
    assert (answer.status_code != 401) or answer["WWW-Authenticate"] == 'Bearer realm="tableside"'
    assert not TokenFamily.objects.exists()


def test_a_wrong_name_and_a_wrong_password_cannot_be_told_apart(
    grace, django_assert_num_queries, monkeypatch
):
    hashes = []
    real = User.check_password

    def check(self, raw):
        hashes.append("known")
        return real(self, raw)

    monkeypatch.setattr(User, "check_password", check)
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashes.append("unknown"))
    User.objects.create_user("other", "shared@example.com")
    User.objects.create_user("another", "shared@example.com")
    answers = [
        sign_in(email=name, password="wrong").content
        for name in (
            "grace@example.com",
            "GRACE@example.com",
            "nobody@example.com",
            "nobody",
            "shared@example.com",
        )
    ]
    assert len(set(answers)) == 1
    assert len(hashes) == 5, "one hash each"


def test_a_code_signs_in_once_and_a_recovery_code_once(grace):
    first = code()
    assert sign_in(code=first).status_code == 200
    assert refused(sign_in(code=first)) == (401, "invalid_code")
    with time_machine.travel(clock.now() + timedelta(seconds=45), tick=True):
        assert refused(sign_in(code=first)) == (401, "invalid_code"), "still within the tolerated step"
    recovery = Authenticator.objects.get(user=grace, type="recovery_codes").wrap().get_unused_codes()[0]
    assert sign_in(code=recovery).status_code == 200
    assert refused(sign_in(code=recovery)) == (401, "invalid_code")
    assert TokenFamily.objects.count() == 2


def test_guessing_passwords_or_codes_is_stopped_by_account_not_by_address(grace):
    for number in range(5):
        client = APIClient(REMOTE_ADDR=f"192.0.2.{number}")
        client.post("/api/v1/auth/login", {"email": "grace@example.com", "password": "no"}, format="json")
    stopped = sign_in(code=code())
    assert refused(stopped) == (429, "too_many_attempts")
    assert stopped["Retry-After"] == "300"
    assert refused(post("login", email="GRACE@example.com", password=PASSWORD)) == (429, "too_many_attempts")
    cache.clear()
    for _ in range(5):
        assert refused(sign_in(code="111111")) == (401, "invalid_code")
    assert refused(sign_in(code=code())) == (429, "too_many_attempts")


def test_staff_without_a_second_step_get_no_token_where_it_is_required(merchant, settings):
    plain = User.objects.create_user("plain", "plain@example.com", PASSWORD)  # staff by membership alone
    Membership.objects.create(user=plain, merchant=merchant, role=Role.VIEWER)
    assert refused(sign_in(email="plain")) == (403, "second_factor_setup_required")
    assert not TokenFamily.objects.exists()
    settings.STAFF_MFA_REQUIRED = False
    token = sign_in(email="plain").json()["access_token"]
    assert me(token).status_code == 200
    settings.STAFF_MFA_REQUIRED = True
    assert refused(me(token)) == (403, "second_factor_required")
    bookings = APIClient().get("/api/v1/bookings", headers={"Authorization": f"Bearer {token}"})
    assert refused(bookings) == (403, "second_factor_required")


def test_a_customer_with_a_password_needs_no_second_step(merchant):
    user = User.objects.create_user("ada", "ada@example.com", PASSWORD)
    row = Customer.objects.create(merchant=merchant, user=user, email="ada@example.com", name="Ada Example")
    token = sign_in(email="ada@example.com").json()["access_token"]
    told = me(token).json()
    assert told["customers"] == [
        {"id": str(row.public_id), "merchant": "one", "name": "Ada Example", "email": "ada@example.com"}
    ]
    assert told["memberships"] == []


def test_a_closed_account_is_a_wrong_password(grace):
    User.objects.update(is_active=False)
    assert refused(sign_in(code=code())) == (401, "invalid_credentials")


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_sign_in(grace):
    first = sign_in(code=code()).json()
    second = post("refresh", refresh_token=first["refresh_token"])
    assert second.status_code == 200
    assert me(second.json()["access_token"]).status_code == 200
    assert refused(post("refresh", refresh_token=first["refresh_token"])) == (401, "refresh_token_reused")
    assert refused(me(second.json()["access_token"])) == (401, "authentication_failed")
    newest = post("refresh", refresh_token=second.json()["refresh_token"])
    assert refused(newest) == (401, "invalid_refresh_token")
    family = TokenFamily.objects.get()
    assert family.ended == "reused"
    assert RefreshToken.objects.count() == 2


@pytest.mark.parametrize("token", ["", "no such token", "x" * 300])
def test_a_made_up_refresh_token_is_refused(token):
    status, told = refused(post("refresh", refresh_token=token))
    assert (status, told) in {(401, "invalid_refresh_token"), (422, "invalid")}


def test_tokens_end_with_time_password_account_and_family(grace):
    body = sign_in(code=code()).json()
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert refused(me(body["access_token"])) == (401, "authentication_failed")
        renewed = post("refresh", refresh_token=body["refresh_token"]).json()
        shown = me(renewed["access_token"]).json()["authentication"]
        assert shown["is_recent"] is True
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        renewed = post("refresh", refresh_token=renewed["refresh_token"]).json()
        assert me(renewed["access_token"]).json()["authentication"]["is_recent"] is False
    with time_machine.travel(clock.now() + timedelta(days=15)):
        late = post("refresh", refresh_token=renewed["refresh_token"])
        assert refused(late) == (401, "invalid_refresh_token")
    body = sign_in(code=code(1)).json()
    grace.set_password("another long password")
    grace.save()
    assert refused(me(body["access_token"])) == (401, "authentication_failed")
    assert refused(post("refresh", refresh_token=body["refresh_token"])) == (401, "invalid_refresh_token")


def test_a_family_ends_after_thirty_days_however_often_it_is_refreshed(grace):
    pair = tokens.issue(grace, methods={"password", "totp"})
    for days in (10, 20, 29):
        with time_machine.travel(clock.now() + timedelta(days=days)):
            pair = tokens.refresh(pair.refresh)
    with time_machine.travel(clock.now() + timedelta(days=31)), pytest.raises(tokens.TokenRefused):
        tokens.refresh(pair.refresh)


def test_signing_out_ends_all_tokens_of_the_sign_in_and_twice_is_as_good_as_once(grace):
    kept = sign_in(code=code()).json()
    body = sign_in(code=code(1)).json()
    for _ in range(2):
        assert post("logout", refresh_token=body["refresh_token"]).status_code == 204
    assert post("logout", refresh_token="unknown").status_code == 204
    assert post("logout").status_code == 204
    assert refused(me(body["access_token"])) == (401, "authentication_failed")
    assert refused(post("refresh", refresh_token=body["refresh_token"])) == (401, "invalid_refresh_token")
    assert me(kept["access_token"]).status_code == 200


@pytest.mark.parametrize("changed", ["alg", "sub", "typ", "cut"])
def test_a_forged_access_token_is_refused(grace, changed):
    import jwt

    token = sign_in(code=code()).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = {
        "alg": jwt.encode(claims, key="", algorithm="none"),
        "sub": jwt.encode({**claims, "sub": "1"}, key="x" * 32, algorithm="HS256"),
        "typ": jwt.encode({**claims, "typ": "refresh"}, key=tokens._key(), algorithm="HS256"),
        "cut": token[:-3],
    }[changed]
    answer = me(forged)
    assert refused(answer) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"] == 'Bearer realm="tableside"'


def test_the_session_of_the_console_is_known_too_but_not_without_its_second_step(grace):
    client = APIClient()
    client.force_login(grace)
    assert refused(client.get("/api/v1/auth/me")) == (403, "second_factor_required")
    assert refused(client.get("/api/v1/bookings")) == (403, "second_factor_required")
    assert refused(APIClient().get("/api/v1/auth/me")) == (401, "not_authenticated")


def test_no_log_line_holds_a_password_a_code_or_a_token(grace, caplog, capfd):
    with caplog.at_level("DEBUG"):
        secrets = [PASSWORD, code()]
        pair = sign_in(code=secrets[1]).json()
        secrets += [pair["access_token"], pair["refresh_token"], "a wrong password", "765432"]
        me(pair["access_token"])
        sign_in(password="a wrong password")
        sign_in(code="765432")
        for _ in range(2):
            secrets.append(
                post("refresh", refresh_token=pair["refresh_token"]).json().get("refresh_token", "")
            )
        post("logout", refresh_token=pair["refresh_token"])
    heard = caplog.text + "".join(capfd.readouterr())
    assert "auth/login" in heard
    assert [secret for secret in secrets if secret and secret in heard] == []


@pytest.mark.django_db(transaction=True)
def test_of_two_refreshes_at_the_same_time_one_wins_and_the_family_ends(grace):
    pair = tokens.issue(grace, methods={"password", "totp"})
    gate = threading.Barrier(2)
    outcomes = []

    def use():
        gate.wait()
        try:
            outcomes.append(tokens.refresh(pair.refresh).access)
        except tokens.TokenRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    users = [threading.Thread(target=use) for _ in range(2)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert outcomes.count("refresh_token_reused") == 1
    assert len(set(outcomes)) == 2
    assert TokenFamily.objects.get().revoked_at is not None
