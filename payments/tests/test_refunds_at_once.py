"""Refunds asked for at the same moment, by staff and in Stripe's dashboard: what came goes back once."""

import contextlib
import threading
from datetime import timedelta

import pytest
import stripe
from django.db import connection

from core import clock
from payments import errors, events, handling, reconcile
from payments.models import Payment, Refund, RefundState, WebhookEvent
from payments.tests.shop import Shop
from payments.tests.test_refunds import ask


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_never_send_back_more_than_was_captured(open_to_threads: Shop):
    """saleor/saleor-dashboard#4474."""
    shop = open_to_threads
    payment = shop.paid(shop.book())
    refused: list[Exception] = []
    start = threading.Barrier(6)

    def refund() -> None:
        start.wait()
        try:
            ask(Payment.objects.get(pk=payment.pk), 10_000)
        except errors.RefundTooLarge as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=refund) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    payment.refresh_from_db()
    assert len(refused) == 5
    assert payment.refunded_minor == 10_800
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]) == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_staff_and_the_dashboard_at_once_never_send_back_more_than_was_captured(open_to_threads: Shop):
    shop = open_to_threads
    payment = shop.paid(shop.book())
    start = threading.Barrier(3)

    def by_form() -> None:
        start.wait()
        try:
            ask(Payment.objects.get(pk=payment.pk), 6_000)
        except errors.RefundTooLarge:
            pass
        finally:
            connection.close()

    def by_dashboard() -> None:
        start.wait()
        with contextlib.suppress(stripe.InvalidRequestError):
            shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 5_400})

    threads = [threading.Thread(target=act) for act in (by_form, by_form, by_dashboard)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.deliver()
    Refund.objects.update(updated_at=clock.now() - timedelta(hours=1))
    reconcile.ask_for_refunds()
    WebhookEvent.objects.filter(state="pending").update(due_at=clock.now(), lease_until=None)
    handling.work_off(events.handle)
    payment.refresh_from_db()
    at_stripe = shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]
    sent = sum(one["amount"] for one in at_stripe if one["status"] != "failed")
    assert sent in (5_400, 6_480)  # whoever came first; both together would be more than came
    assert (payment.refunded_minor, payment.refunding_minor) == (sent, 0)
    done = Refund.objects.filter(state=RefundState.SUCCEEDED)
    assert [refund.total_minor for refund in done] == [sent]
    assert shop.tie_out().difference_minor == 0
