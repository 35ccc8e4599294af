"""Amounts that Stripe does not take: said in words, before anything is asked or written."""

import pytest

from payments import errors, page_start
from payments.models import Payment
from payments.tests.shop import Shop


def test_a_rest_below_stripes_minimum_is_refused_in_words_and_leaves_no_payment(shop: Shop):
    booking = shop.book()
    shop.paid(booking)
    booking.instalments.filter(position=2).update(amount_minor=30)
    with pytest.raises(errors.TooSmallForCard) as refused:
        shop.start(booking)
    assert "Amounts under $0.50 cannot be paid by card" in refused.value.detail
    assert Payment.objects.count() == 1


def test_the_smallest_amount_that_stripe_takes_can_be_paid(shop: Shop):
    booking = shop.book()
    shop.paid(booking)
    booking.instalments.filter(position=2).update(amount_minor=47)  # 50 with the card's 8 %
    assert shop.start(booking).payment.total_minor == 51


def test_a_price_just_above_the_deposit_is_asked_for_at_once(shop: Shop):
    shop.merchant.deposit_minor = 108_720
    shop.merchant.save()
    (part,) = shop.book().instalments.all()
    assert (part.purpose, part.amount_minor) == ("full", 108_750)


def test_the_page_says_why_a_small_rest_cannot_be_paid_by_card(shop: Shop):
    booking = shop.book()
    shop.paid(booking)
    booking.instalments.filter(position=2).update(amount_minor=30)
    outcome = page_start.start(booking, form={"mode": "element", "shown": "32"})
    assert outcome.status == 409
    assert outcome.problem is not None
    assert "$0.50" in outcome.problem.text
