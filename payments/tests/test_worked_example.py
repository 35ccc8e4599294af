"""One booking's money from deposit to dispute, to the cent, and every balance in between."""

from datetime import timedelta

from django.contrib.auth.models import User

from bookings.models import Booking
from core import clock
from payments import completion, manual, refunds
from payments.tests.shop import Shop

FEES = ("platform_fees", "platform_payable")


def books(shop: Shop) -> dict[str, int]:
    """Balances that are not zero, without the platform's fee, which stands beside this story."""
    return {name: minor for name, minor in shop.balances().items() if minor and name not in FEES}


def test_from_deposit_to_lost_dispute(shop: Shop) -> None:
    booking = shop.book()
    deposit = shop.start(booking).payment
    shop.confirm(deposit, card="pm_card_visa")
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    assert books(shop) == {
        "clearing:stripe": 10_457,
        "gateway_fees": 343,
        "customer_deposits": -10_000,
        "processing_fee_income": -800,
    }

    _pay_by_zelle(shop, booking)
    assert books(shop)["customer_deposits"] == -108_750
    assert books(shop)["clearing:zelle"] == 98_750

    ended = clock.now() - timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(starts_at=ended - timedelta(hours=3), ends_at=ended)
    assert completion.complete_due() == 1
    done = books(shop)
    assert "customer_deposits" not in done
    assert (done["revenue"], done["tax_payable"]) == (-100_000, -8_750)

    deposit.refresh_from_db()
    refunds.request(
        payment=deposit,
        amount_minor=5_000,
        cause="price_reduction",
        reason="cold rice",
        requested_by=None,
        actor="test",
    )
    shop.deliver()
    reduced = books(shop)
    assert (reduced["revenue"], reduced["tax_payable"]) == (-100_000 + 4_598, -8_750 + 402)
    assert (reduced["processing_fee_income"], reduced["clearing:stripe"]) == (-400, 5_057)
    assert "customer_deposits" not in reduced

    dispute_id = shop.sandbox.control(f"charges/{deposit.stripe_charge_id}/dispute", reason="fraudulent")[
        "id"
    ]
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    disputed = books(shop)
    assert disputed["clearing:stripe"] == -1_843
    assert (disputed["disputes"], disputed["dispute_fees"]) == (5_400, 1_500)

    shop.sandbox.control(f"disputes/{dispute_id}/decide", outcome="lost")
    shop.deliver(times=2)
    lost = books(shop)
    assert lost["dispute_losses"] == 5_400
    assert "disputes" not in lost
    assert shop.tie_out().difference_minor == 0
    assert not shop.merchant.desk_items.exists()


def _pay_by_zelle(shop: Shop, booking: Booking) -> None:
    manual.record(
        manual.Found(
            merchant=shop.merchant,
            method="zelle",
            amount_minor=98_750,
            currency="usd",
            received_on=clock.today(shop.merchant.timezone),
            by=User.objects.create_user("clerk"),
        ),
        booking=booking,
    )
