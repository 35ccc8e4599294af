from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY as STAFF_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from core import clock
from customers import sessions
from customers.models import Customer
from customers.tests.parties import a_customer, a_merchant

pytestmark = pytest.mark.django_db


def visit(session: SessionStore, *, host: str = "ember.example") -> HttpRequest:
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    request.session = session
    return request


@pytest.fixture
def customer(settings) -> Customer:
    settings.ALLOWED_HOSTS = ["*"]
    return a_customer(a_merchant(host="ember.example"))


def test_who_signed_in_is_known_on_the_next_page_in_a_session_with_a_new_name(
    customer: Customer, django_assert_num_queries
):
    session = SessionStore()
    session.create()
    before = session.session_key
    sessions.sign_in(visit(session), customer)
    assert session.session_key != before
    following = visit(session)
    with django_assert_num_queries(2):
        assert sessions.current_customer(following) == customer
        assert sessions.current_customer(following) == customer


def test_nobody_is_signed_in_without_a_grant_and_nothing_is_asked(customer, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert sessions.current_customer(visit(SessionStore())) is None


def test_a_sign_in_is_worth_nothing_on_another_merchants_host(customer: Customer):
    a_merchant(host="cedar.example")
    session = SessionStore()
    sessions.sign_in(visit(session), customer)
    assert sessions.current_customer(visit(session, host="cedar.example")) is None
    assert sessions.current_customer(visit(session, host="nobody.example")) is None
    assert sessions.current_customer(visit(session)) == customer


def test_a_sign_in_ends_after_its_days_and_when_all_sign_ins_are_ended(customer: Customer):
    session = SessionStore()
    sessions.sign_in(visit(session), customer)
    with time_machine.travel(clock.now() + timedelta(days=sessions.SIGN_IN_DAYS, minutes=1)):
        assert sessions.current_customer(visit(session)) is None
    Customer.objects.filter(pk=customer.pk).update(sign_in_version=2)
    assert sessions.current_customer(visit(session)) is None


def test_signing_out_forgets_booking_links_too_and_leaves_staff_signed_in(customer: Customer):
    session = SessionStore()
    session["booking_links"] = ["one"]
    session[STAFF_KEY] = "7"
    request = visit(session)
    sessions.sign_in(request, customer)
    sessions.sign_out(request)
    assert dict(session.items()) == {STAFF_KEY: "7"}
    assert sessions.current_customer(visit(session)) is None


def test_another_customer_who_signs_in_does_not_see_what_the_first_one_opened(customer: Customer):
    session = SessionStore()
    sessions.sign_in(visit(session), customer)
    session["booking_links"] = ["one"]
    sessions.sign_in(visit(session), a_customer(customer.merchant))
    assert "booking_links" not in session
