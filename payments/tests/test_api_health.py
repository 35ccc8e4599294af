"""The webhooks' inbox over HTTP."""

from rest_framework.test import APIClient

from bookings.tests.factories import MerchantFactory
from customers.models import Membership
from payments.models import EventState, WebhookEvent
from payments.tests.api_world import holder_of, staff_of
from payments.tests.shop import Shop


def test_the_inbox_tells_how_it_does(shop: Shop):
    staff = staff_of(shop.merchant, role="viewer")
    health = "/api/v1/webhooks/health"
    assert staff.get(health).json() == {
        "status": "ok",
        "oldest_unhandled_seconds": None,
        "backlog": 0,
        "failed": 0,
        "dead": 0,
        "last_event_at": None,
    }
    shop.paid(shop.book())
    handled = staff.get(health).json()
    assert (handled["status"], handled["backlog"]) == ("ok", 0)
    assert handled["last_event_at"]
    newest, *_, oldest = WebhookEvent.objects.order_by("-id")
    WebhookEvent.objects.filter(pk=newest.pk).update(state=EventState.FAILED)
    WebhookEvent.objects.filter(pk=oldest.pk).update(
        state=EventState.PENDING, received_at="2026-01-01T00:00Z"
    )
    late = staff.get(health).json()
    assert (late["status"], late["backlog"], late["failed"], late["dead"]) == ("late", 2, 1, 0)
    assert late["oldest_unhandled_seconds"] > 300
    WebhookEvent.objects.filter(pk=newest.pk).update(state=EventState.DEAD)
    assert staff.get(health).json()["status"] == "failing"


def test_the_inbox_is_shown_to_its_merchants_staff_alone(shop: Shop):
    health = "/api/v1/webhooks/health"
    shop.paid(shop.book())
    assert APIClient().get(health).status_code == 401
    assert (
        holder_of(shop.book(slot=shop.merchant.slots.get(), email="other@example.com"))
        .get(health)
        .status_code
        == 401
    )
    assert staff_of(None, is_superuser=True).get(health).status_code == 403
    other = staff_of(None)
    Membership.objects.create(
        user_id=int(other.session["_auth_user_id"]), merchant=MerchantFactory.create(), role="owner"
    )
    assert other.get(health).json()["last_event_at"] is None
