"""Nothing that a client can send makes the API fail: bodies, addresses and cursors of their own making."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from bookings.tests.factories import MerchantFactory
from payments.tests.api_world import staff_of, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "slot",
    "menu",
    "adults",
    "children",
    "add_ons",
    "postal_code",
    "email",
    "phone",
    "name",
    "notes",
    "date",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(
        ["bookings", "bookings/price", "payments/create-intent", "payments/checkout-session"]
    ),
    changes=st.dictionaries(
        st.sampled_from([*FIELDS, "booking", "purpose", "amount", "line_items"]), JSON, max_size=4
    ),
)
def test_no_body_whatever_makes_the_server_fail(merchant, route, changes):
    cache.clear()
    body = {**wanted(merchant), "booking": "00000000", **changes}
    answer = APIClient().post(f"/api/v1/{route}", body, format="json")
    assert answer.status_code in (200, 201, 404, 409, 422), answer.content


@pytest.mark.parametrize(
    "position", ["p=abc", "p=%00", "p=1e5", "p=9" * 30, "o=-1", "o=x&p=1", "r=1&p=-1", "=&&="]
)
def test_a_cursor_of_ones_own_making_is_refused(merchant, position):
    cursor = b64encode(position.encode()).decode()
    answer = staff_of(merchant).get("/api/v1/bookings", {"cursor": cursor})
    assert answer.status_code in (200, 404)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["bookings", "payments", "slots", "bookings/{}", "bookings/{}/payments"]),
    name=st.sampled_from(
        ["cursor", "limit", "state", "event_after", "created_before", "date", "booking", "email"]
    ),
    text=st.text(max_size=30),
)
def test_no_address_whatever_makes_the_server_fail(merchant, path, name, text):
    cache.clear()
    staff = getattr(merchant, "staff", None) or staff_of(merchant)
    merchant.staff = staff
    answer = staff.get(f"/api/v1/{path.format(quote(text, safe=''))}", {name: text})
    assert answer.status_code in (200, 404, 422), answer.content
