"""Credit notes: left where the price falls, once, numbered without gaps, told when made, shown to their payer."""

import threading
import uuid
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from pypdf import PdfReader

from bookings.models import Booking
from bookings.tests.factories import MerchantFactory
from core import clock
from core.models import OutboxEmail
from customers.models import Membership
from payments import cancellation, credit_notes, refunds
from payments.models import CreditNote, Payment, Refund, RefundState
from payments.refunds import holding
from payments.tests.api_world import holder_of, staff_of
from payments.tests.customer_world import visitor
from payments.tests.shop import Shop


@pytest.fixture
def payment(shop: Shop) -> Payment:
    """The deposit of 100.00, with 8.00 of fee, of a booking for 1,000.00 and 87.50 of tax."""
    return shop.paid(shop.book())


def ask(payment: Payment, minor: int, **more: Any) -> Refund:
    asked: dict[str, Any] = {
        "cause": "price_reduction", "reason": "Two guests fewer", "requested_by": None, "actor": "test", **more
    }  # fmt: skip
    return refunds.request(payment=payment, amount_minor=minor, **asked)


def person(shop: Shop, role: str) -> User:
    user = User.objects.create_user(role, is_staff=True)
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


def text_of(pdf: bytes) -> str:
    return " ".join(PdfReader(BytesIO(pdf)).pages[0].extract_text().split())


def page_of(booking: Booking, path: str = "") -> Any:
    return visitor(booking).get(f"/b/{booking.code}{path}")


def test_the_fall_of_the_price_leaves_a_note_with_its_tax_and_it_is_told_once(
    shop: Shop, payment: Payment
) -> None:
    ask(payment, 5_000)
    note = CreditNote.objects.get()
    assert (note.label, note.amount_minor, note.net_minor, note.tax_minor) == ("C-000001", 5_000, 4_598, 402)
    assert note.taxes == [{"name": "Sales tax 8.75 %", "tax_minor": 402}]
    assert (note.reason, note.price_minor, note.booking) == ("Two guests fewer", 103_750, payment.booking)
    assert [credit_notes.send_due(), credit_notes.send_due()] == [1, 0]
    mail = OutboxEmail.objects.get(key=f"credit_note:{note.public_id}")
    for words in (mail.text, mail.html):
        assert "$50.00" in words
        assert "$1,037.50" in words
        assert "was sent" not in words  # whether money went back is for another mail to say
    note.refresh_from_db()
    shown = text_of(bytes(note.pdf or b""))
    for words in ("C-000001", "$50.00", "$45.98", "Sales tax 8.75 %", "$4.02", "Two guests fewer"):
        assert words in shown


def test_nothing_else_leaves_one(shop: Shop, payment: Payment) -> None:
    booking = payment.booking
    assert booking is not None
    ask(payment, 1_000, cause="dispute_prevention")
    cancellation.cancel(Booking.objects.get(pk=booking.pk), actor="customer")
    assert Refund.objects.count() == 2
    assert not CreditNote.objects.exists()


def test_a_refund_that_waits_leaves_none_until_it_is_agreed_to_and_declined_never(
    shop: Shop, payment: Payment
) -> None:
    shop.merchant.approval_from_minor = 1
    shop.merchant.save()
    first, second = ask(payment, 1_000), ask(payment, 2_000)
    assert not CreditNote.objects.exists()
    owner = person(shop, "owner")
    refunds.decline(first, by=owner, reason="no")
    refunds.approve(second, by=owner, authenticated_at=clock.now())
    refunds.approve(second, by=owner, authenticated_at=clock.now())
    assert CreditNote.objects.get().refund == second


def test_a_retry_after_a_failed_refund_leaves_no_second_one_but_for_what_falls_further(shop: Shop) -> None:
    payment = shop.start(shop.book()).payment
    shop.confirm(payment, card="pm_card_refundFail")
    shop.deliver()
    payment.refresh_from_db()
    refund = ask(payment, 5_000)
    shop.sandbox.advance(seconds=14 * 86_400)
    shop.deliver()
    refund.refresh_from_db()
    assert (refund.state, CreditNote.objects.count()) == (RefundState.FAILED, 1)
    ask(payment, 5_000)
    assert CreditNote.objects.get().refund == refund  # the price fell with the first
    ask(payment, 1_000)
    assert list(CreditNote.objects.order_by("number").values_list("number", "amount_minor")) == [
        (1, 5_000),
        (2, 1_000),
    ]


def test_made_in_stripes_dashboard_and_told_many_times_it_leaves_one(shop: Shop, payment: Payment) -> None:
    shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 5_400})
    shop.deliver_shuffled(seed=3, times=3)
    assert CreditNote.objects.get().amount_minor == 5_000


def test_notes_of_one_booking_sum_to_what_one_would_hold(shop: Shop, payment: Payment) -> None:
    line = payment.booking.lines.get(kind="tax")  # type: ignore[union-attr]
    line.amount_minor, line.description = 5_833, "State 5.833 %"
    line.save()
    line.pk, line.position, line.amount_minor, line.description = None, 90, 2_917, "City 2.917 %"
    line.save()
    for minor in (3_333, 3_333, 3_334):
        ask(payment, minor)
    notes = list(CreditNote.objects.all())
    assert [sum(tax["tax_minor"] for tax in note.taxes) == note.tax_minor for note in notes] == [True] * 3
    by_name: dict[str, int] = {}
    for note in notes:
        for tax in note.taxes:
            assert tax["tax_minor"] >= 0
            by_name[tax["name"]] = by_name.get(tax["name"], 0) + tax["tax_minor"]
    assert by_name == {"State 5.833 %": 537, "City 2.917 %": 268}  # of 8.05 in all, as in one note


@pytest.mark.parametrize(("since", "tax"), [(18_000, 100), (1_000, 0)])
def test_a_day_with_another_tax_leaves_the_next_fall_its_tax_within_it(
    shop: Shop, payment: Payment, since: int, tax: int
) -> None:
    """Splits make good what earlier ones took; never by more than there is, and never by less than nothing."""
    ask(payment, 5_000)
    payment.booking.lines.filter(kind="tax").update(amount_minor=since)  # type: ignore[union-attr]
    assert refunds.preview(payment=payment, amount_minor=100, cause="price_reduction").tax_minor == tax
    ask(payment, 100)
    note = CreditNote.objects.latest("number")
    assert (note.amount_minor, note.net_minor, note.tax_minor) == (100, 100 - tax, tax)
    assert sum(part["tax_minor"] for part in note.taxes) == tax


def test_numbers_have_no_gaps_whoever_asks_at_the_same_time(open_to_threads: Shop) -> None:
    shop = open_to_threads
    slot = shop.book().slot
    payments = [shop.paid(shop.book(slot=slot, email=f"g{n}@example.com")) for n in range(3)]
    with pytest.raises(RuntimeError), transaction.atomic():
        ask_inside(payments[0])
        raise RuntimeError  # a number that was never given

    def act(payment: Payment) -> None:
        try:
            ask(payment, 100)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(payment,)) for payment in payments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(CreditNote.objects.values_list("number", flat=True)) == [1, 2, 3]


def ask_inside(payment: Payment) -> None:
    """As `ask`, but for what would call Stripe."""
    booking, locked = holding.lock(payment)
    asked = refunds.Asked(cause="price_reduction", reason="x", requested_by=None, actor="test")
    refunds.create(booking, locked, amount_minor=100, asked=asked)


def test_the_payer_finds_it_on_their_page_and_strangers_do_not(shop: Shop, payment: Payment) -> None:
    booking = payment.booking
    assert booking is not None
    ask(payment, 5_000)
    assert "C-000001" in page_of(booking).content.decode()
    found = page_of(booking, "/credit-notes/C-000001")  # before it is rendered for the mail
    assert "Two guests fewer" in text_of(found.content)
    credit_notes.send_due()
    again = page_of(booking, "/credit-notes/C-000001")
    assert again.content == bytes(CreditNote.objects.get().pdf or b"")
    assert 'filename="C-000001.pdf"' in again["Content-Disposition"]
    other = shop.book(slot=booking.slot, email="other@example.com")
    for path in ("/credit-notes/C-000001", "/credit-notes/C-9", "/credit-notes/R-000001"):
        assert page_of(other, path).status_code == 302


def test_the_api_gives_it_to_its_customer_and_the_merchants_staff(shop: Shop, payment: Payment) -> None:
    booking = payment.booking
    assert booking is not None
    ask(payment, 5_000)
    payer = holder_of(booking)
    [told] = payer.get(f"/api/v1/payments/{payment.public_id}").json()["credit_notes"]
    assert (told["number"], told["amount"]) == ("C-000001", {"amount": 5_000, "currency": "usd"})
    assert payer.get(told["pdf"]).json()["code"] == "credit_note_not_ready"
    credit_notes.send_due()
    for reader in (payer, staff_of(shop.merchant, role="viewer")):
        answer = reader.get(told["pdf"])
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    elsewhere = staff_of(MerchantFactory.create(slug="rival"), role="owner")
    other = holder_of(shop.book(slot=booking.slot, email="other@example.com"))
    for stranger in (other, elsewhere):
        assert stranger.get(told["pdf"]).status_code == 404
    assert payer.get(told["pdf"].replace("C-000001", "C-000002")).status_code == 404


def test_the_database_refuses_a_second_note_of_a_refund_and_sums_that_do_not_add_up(
    shop: Shop, payment: Payment
) -> None:
    ask(payment, 5_000)
    note = CreditNote.objects.get()
    other = ask(payment, 1, cause="dispute_prevention").pk
    for wrong in ({"number": 2}, {"number": 2, "refund_id": other, "net_minor": 1}, {"refund_id": other}):
        copy = CreditNote.objects.get(pk=note.pk)
        copy.pk, copy.public_id = None, uuid.uuid4()
        for name, value in wrong.items():
            setattr(copy, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save()
