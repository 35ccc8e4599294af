"""The customer's pages for Zelle and Venmo, without a browser: what is shown, said, refused and taken back."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from bookings import access, editing
from bookings.models import Booking
from core import clock, uploads
from customers.models import Merchant
from payments import cancellation, manual
from payments.models import Claim, GatewayAccount, Payment
from payments.tests.test_api_manual import private_files
from payments.tests.test_manual import TODAY, book, by, claimed, confirm, merchant, standing

__all__ = ["by", "merchant", "private_files"]
pytestmark = pytest.mark.django_db
SENT = {"sender_name": "Ada Example", "sent_on": TODAY.isoformat(), "note": ""}


def visitor(booking):
    client = Client()
    client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    return client


def test_looking_shows_whom_how_much_and_which_note_and_writes_nothing(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    zelle = guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    for words in ("$100.00", "pay@ember.example", "Ember LLC", booking.code, "You save $8.00"):
        assert words in zelle
    venmo = guest.get(f"/b/{booking.code}/pay/venmo").content.decode()
    for words in ("$103.00", "@ember-kitchen", "txn=pay&amp;amount=103.00", "<svg", "saves $5.00"):
        assert words in venmo
    assert "$108.00" in venmo
    everything = guest.get(f"/b/{booking.code}/pay/zelle?purpose=full").content.decode()
    assert "$1,087.50" in everything
    assert not Payment.objects.exists()
    assert guest.get(f"/b/{booking.code}/pay/cash").status_code == 302
    assert Client().get(f"/b/{booking.code}/pay/zelle").status_code == 404


def test_the_banks_qr_is_shown_when_the_merchant_uploaded_one(merchant, private_files):
    booking = book(merchant)
    guest = visitor(booking)
    assert guest.get(f"/b/{booking.code}/pay/zelle/qr").status_code == 404
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    merchant.zelle_qr = uploads.storage().save("qr/one.png", ContentFile(file.getvalue()))
    merchant.save()
    assert "/pay/zelle/qr" in guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    answer = guest.get(f"/b/{booking.code}/pay/zelle/qr")
    assert (answer["Content-Type"], b"".join(answer.streaming_content)) == ("image/png", file.getvalue())


def test_i_have_sent_it_twice_is_one_claim_and_the_page_says_that_we_look(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    for _ in range(2):
        answer = guest.post(f"/b/{booking.code}/pay/zelle/sent", SENT)
        assert (answer.status_code, answer["Location"]) == (302, f"/b/{booking.code}/pay/zelle")
    assert Claim.objects.count() == 1
    page = guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    assert "We are checking your Zelle payment" in page
    status = guest.get(f"/b/{booking.code}").content.decode()
    assert "We are checking your Zelle payment" in status
    assert "Pay the deposit" not in status
    said = Claim.objects.get()
    guest.post(f"/b/{booking.code}/claims/{said.public_id}/withdraw")
    said.refresh_from_db()
    assert said.state == "withdrawn"
    assert "Pay the deposit with Venmo" in guest.get(f"/b/{booking.code}/pay/venmo").content.decode()


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_claimed(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    file = io.BytesIO(b"<html>no picture</html>")
    file.name = "proof.png"
    wrong = {**SENT, "sender_name": "", "sent_on": "2031-01-01", "proof": file}
    page = guest.post(f"/b/{booking.code}/pay/venmo/sent", wrong)
    assert page.status_code == 422
    for words in ("Whose name stands on the transfer?", "Please send a picture"):
        assert words in page.content.decode()
    late = guest.post(f"/b/{booking.code}/pay/venmo/sent", {**SENT, "sent_on": "2031-01-01"})
    assert "Give the day on which you sent it: that one is still to come." in late.content.decode()
    old = guest.post(f"/b/{booking.code}/pay/venmo/sent", {**SENT, "sent_on": "2019-01-01"})
    assert "About a transfer so long ago please write to us." in old.content.decode()
    assert not Claim.objects.exists()


def test_claiming_without_end_is_slowed_down(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    answers = [
        guest.post(f"/b/{booking.code}/pay/zelle/sent", {**SENT, "sent_on": "2031-01-01"}).status_code
        for _ in range(14)
    ]
    assert answers[0] == 422
    assert answers[-1] == 429


def test_a_rejection_is_read_on_the_page_and_a_found_payment_ends_it(merchant, by):
    booking = book(merchant)
    guest = visitor(booking)
    manual.reject(claimed(booking), reason="The name there is another one.", by=by)
    page = guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    assert "The name there is another one." in page
    assert "I have sent it" in page
    confirm(claimed(booking), by=by)
    assert guest.get(f"/b/{booking.code}").content.decode().count("You are booked") >= 1
    balance = guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    assert "Pay the balance with Zelle" in balance


def test_nobody_claims_or_withdraws_for_another(merchant):
    mine, theirs = book(merchant), book(merchant, email="b@example.com", phone="(415) 555-2672")
    said = claimed(theirs)
    guest = visitor(mine)
    before = standing(mine, theirs)
    assert guest.post(f"/b/{theirs.code}/pay/zelle/sent", SENT).status_code == 404
    guest.post(f"/b/{mine.code}/claims/{said.public_id}/withdraw")
    assert standing(mine, theirs) == before


def test_a_rejection_is_read_where_the_mail_leads_and_says_how_to_tell_again(merchant, by):
    booking = book(merchant)
    guest = visitor(booking)
    manual.reject(claimed(booking), reason="Nothing from that name.", by=by)
    page = guest.get(f"/b/{booking.code}").content.decode()
    assert "We could not find your Zelle payment yet" in page
    assert "Nothing from that name." in page
    assert f'href="/b/{booking.code}/pay/zelle"' in page
    confirm(claimed(booking, method="venmo"), by=by, amount_minor=10_300)
    assert "We could not find" not in guest.get(f"/b/{booking.code}").content.decode()


def test_a_held_dates_last_hour_is_told_with_its_day_when_it_is_not_today(merchant, by):
    GatewayAccount.objects.create(merchant=merchant)
    booking = book(merchant)
    guest = visitor(booking)
    manual.reject(claimed(booking), reason="Nothing there.", by=by)
    until = booking.local(clock.now() + timedelta(hours=merchant.claim_hold_hours))
    day = f"{until:%A, %B} {until.day}, "
    for address in (f"/b/{booking.code}", f"/b/{booking.code}/pay", f"/b/{booking.code}/pay/venmo"):
        assert day in guest.get(address).content.decode(), address


def test_a_second_claim_is_not_promised_another_two_days(merchant, by):
    booking = book(merchant)
    guest = visitor(booking)
    assert "up to 48 hours" in guest.get(f"/b/{booking.code}/pay/zelle").content.decode()
    manual.reject(claimed(booking), reason="Nothing there.", by=by)
    assert "up to 48 hours" not in guest.get(f"/b/{booking.code}/pay/zelle").content.decode()


def test_who_says_that_the_balance_was_sent_is_not_asked_for_it_beside_that(merchant, by):
    booking = book(merchant)
    confirm(claimed(booking), by=by)
    guest = visitor(booking)
    assert "Pay the balance" in guest.get(f"/b/{booking.code}").content.decode()
    claimed(booking)
    page = guest.get(f"/b/{booking.code}").content.decode()
    assert "Pay the balance, $" not in page
    assert "See what you told us" in page
    assert "Everything is paid" not in page


def test_a_part_of_the_price_is_not_called_payment_in_full(merchant, by):
    booking = book(merchant)
    said = manual.claim(
        manual.start(booking, method="zelle", actor="customer", purpose="full"),
        sender_name="Ada Example",
        sent_on=TODAY,
        actor="customer",
    )
    confirm(said, by=by, amount_minor=50_000)
    page = visitor(booking).get(f"/b/{booking.code}").content.decode()
    assert "Part payment" in page


def test_a_receipt_names_the_fee_of_the_way_that_was_paid(merchant, by):
    booking = book(merchant)
    confirm(claimed(booking, method="venmo"), by=by, amount_minor=10_300)
    page = visitor(booking).get(f"/b/{booking.code}/receipts/R-000001").content.decode()
    assert "Venmo fee" in page
    assert "card processing" not in page.lower()


def test_cancelling_while_a_transfer_is_looked_for_says_what_becomes_of_it(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    assert "said you sent" not in guest.get(f"/b/{booking.code}/cancel").content.decode()
    claimed(booking)
    page = guest.get(f"/b/{booking.code}/cancel").content.decode()
    assert "The $100.00 that you said you sent by Zelle is not in these figures" in page
    cancellation.cancel(booking, actor="customer")
    page = guest.get(f"/b/{booking.code}").content.decode()
    assert "We look for what you told us that you sent" in page
    assert "Nothing was paid" not in page


def test_what_happens_next_does_not_ask_for_what_is_looked_for(merchant, by):
    booking = book(merchant)
    confirm(claimed(booking), by=by)
    claimed(booking)
    page = visitor(booking).get(f"/b/{booking.code}").content.decode()
    assert "Pay the balance on this page" not in page


def test_a_saving_on_several_parts_is_told_as_one_of_all_of_them(merchant, by):
    booking = book(merchant)
    guest, typed = visitor(booking), {"adults": 11, "children": 0, "menu": booking.menu_id, "preview": 1}
    typed["based_on"] = editing.mark(booking)
    assert "All of it with Zelle" in guest.post(f"/b/{booking.code}/change", typed).content.decode()
    confirm(claimed(booking), by=by)
    page = guest.post(f"/b/{booking.code}/change", typed).content.decode()
    assert "With Zelle" in page
    assert "All of it" not in page


def test_a_claim_by_a_way_that_is_not_offered_any_more_leads_back_to_those_that_are(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    Merchant.objects.filter(pk=merchant.pk).update(offers_zelle=False)
    for method in ("zelle", "cash", "x\0"):
        answer = guest.post(f"/b/{booking.code}/pay/{method}/sent", SENT)
        assert (answer.status_code, answer["Location"]) == (302, f"/b/{booking.code}/pay")
    assert not Claim.objects.exists()


def test_a_code_that_no_database_holds_is_as_unknown_as_any_other(merchant):
    assert Client().get("/b/a%00b").status_code == 404


def test_a_hold_that_has_run_out_asks_for_nothing_and_promises_nothing(merchant):
    booking = book(merchant)
    guest = visitor(booking)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now() - timedelta(seconds=1))
    page = guest.get(f"/b/{booking.code}").content.decode()
    assert "The time to pay has run out" in page
    for untrue in ("Due now", "Pay what is due", "We arrive about an hour"):
        assert untrue not in page, untrue
    assert "Not paid" in page
