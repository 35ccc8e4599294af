"""The verification inbox, without a browser: what waits, one click, the dialog that shows the cent first, refusals."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Booking, BookingState
from core.models import OutboxEmail
from customers.models import Membership, Merchant, Role
from payments import manual
from payments.models import Claim, Credit, Payment, Receipt, Transfer
from payments.tests.test_admin_scope import signed_in
from payments.tests.test_manual import TODAY, book, claimed, merchant, standing
from payments.tests.test_statements import books, bring, csv, lines

__all__ = ["merchant"]
pytestmark = pytest.mark.django_db
INBOX = "/admin/payments/claim/inbox/"


def staff_of(merchant: Merchant, name: str, *, role: str = Role.CLERK) -> User:
    user = User.objects.create_user(name.lower(), first_name=name, is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


@pytest.fixture
def casey(merchant: Merchant) -> Client:
    return signed_in(staff_of(merchant, "Casey"))


def waiting(client: Client, **query: str) -> list[Any]:
    return list(client.get(INBOX, query).context["inbox"].rows)


def page_of(claim: Claim, name: str) -> str:
    return reverse(f"admin:payments_claim_{name}", args=[claim.pk])


def click(client: Client, claim: Claim, *, key: str = "") -> str:
    """One click on "Confirm"; what the page says afterwards."""
    if not key:
        [row] = [row for row in waiting(client) if row.claim.pk == claim.pk]
        key = row.key
    answer = client.post(page_of(claim, "confirm"), {"_exact": "1", "request_key": key}, follow=True)
    return said(answer)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def dialog(client: Client, claim: Claim, **typed: str) -> Any:
    """The dialog as it stands after these entries: a look, nothing done."""
    form = client.get(page_of(claim, "confirm")).context["form"]
    kept = {name: str(form[name].value() or "") for name in form.fields if name != "shown"}
    return client.post(page_of(claim, "confirm"), {**kept, **typed, "_preview": "1"})


def do(client: Client, claim: Claim, **typed: str) -> str:
    """Look, then confirm exactly that."""
    seen = dialog(client, claim, **typed)
    form = seen.context["form"]
    sent = {name: str(form[name].data or "") for name in form.fields} | {"shown": seen.context["shown"]}
    return said(client.post(page_of(claim, "confirm"), sent, follow=True))


def test_one_click_confirms_what_was_claimed_and_a_second_one_changes_nothing(
    merchant: Merchant, casey: Client
) -> None:
    booking = book(merchant)
    claim = claimed(booking, method="venmo", note="From my phone")
    page = casey.get(INBOX).content.decode()
    for words in ("Venmo", "$103.00", "$100.00 + $3.00 fee", "Ada Example", "From my phone", booking.code):
        assert words in page
    assert "held until" in page
    [row] = waiting(casey)
    assert "$100.00 and $3.00 fee for" in click(casey, claim, key=row.key)
    after = standing(booking)
    assert (booking.state, Receipt.objects.count()) == (BookingState.CONFIRMED, 1)
    payment = Payment.objects.get()
    assert (payment.placed_minor, payment.received_fee_minor) == (10_000, 300)
    assert "nothing was booked twice" in click(casey, claim, key=row.key)
    assert "Casey was faster" in click(casey, claim, key="another")
    assert standing(booking) == after
    assert not waiting(casey)
    assert "Decided lately" in casey.get(INBOX).content.decode()


def test_looking_at_the_dialog_changes_nothing_and_shows_where_the_cent_goes(
    merchant: Merchant, casey: Client
) -> None:
    claim = claimed(book(merchant), method="venmo")
    booking = claim.payment.booking
    before = standing(booking)
    first = casey.get(page_of(claim, "confirm"))
    assert [(one.placed_minor, one.fee_minor, one.is_confirmed) for one in first.context["effects"]] == [
        (10_000, 300, True)
    ]
    short = dialog(casey, claim, amount="50.00").context["effects"][0]
    assert (short.placed_minor, short.fee_minor, short.short_minor) == (4_854, 146, 5_146)
    much = dialog(casey, claim, amount="153.00")
    assert much.context["effects"][0].credit_minor == 5_000
    assert "Kept as the customer's credit" in much.content.decode()
    assert standing(booking) == before


def test_a_short_transfer_is_booked_as_shown_and_the_customer_is_told_the_rest(
    merchant: Merchant, casey: Client
) -> None:
    claim = claimed(book(merchant))
    words = do(casey, claim, amount="60.00", reference="Z-1")
    assert "$60.00 for" in words
    assert "$40.00 is still open" in words
    booking = Booking.objects.get()
    assert (booking.state, booking.instalments.earliest("position").paid_minor) == (BookingState.HELD, 6_000)
    assert OutboxEmail.objects.filter(key__startswith="short:").count() == 1
    assert Transfer.objects.get().reference == "Z-1"


def test_one_transfer_for_two_bookings_and_a_part_for_later(merchant: Merchant, casey: Client) -> None:
    mine, other = book(merchant), book(merchant)
    claim = claimed(mine)
    typed = f"{other.code[:4].lower()}-{other.code[4:].lower()}"
    words = do(casey, claim, amount="230.00", code_1=typed, amount_1="100.00", credit="30.00")
    assert words.count("$100.00 for") == 2
    assert "$30.00 kept as credit" in words
    assert {row.state for row in Booking.objects.all()} == {BookingState.CONFIRMED}
    assert Credit.objects.get().remaining_minor == 3_000
    assert Transfer.objects.get().payments.count() == 3


def test_all_of_it_may_be_kept_as_credit_and_the_claim_ends_without_a_no(
    merchant: Merchant, casey: Client
) -> None:
    claim = claimed(book(merchant))
    assert "$100.00 kept as credit" in do(casey, claim, credit="100.00")
    claim.refresh_from_db()
    assert (claim.state, Credit.objects.get().remaining_minor) == ("credited", 10_000)
    assert claim.transfer == Transfer.objects.get()
    assert [claim.changes.last().reason, claim.payment.changes.last().reason] == ["kept as credit"] * 2
    mail = OutboxEmail.objects.get(key__startswith="surplus:")
    assert "We received $100.00 by Zelle. All of it is yours" in mail.text
    assert f"None of it was used for booking {claim.payment.booking.code}" in mail.text
    assert not OutboxEmail.objects.filter(key__startswith="claim-rejected:").exists()
    assert "Casey was faster: Ada Example's claim is kept as credit already" in click(casey, claim, key="x")


def test_a_line_that_is_the_claims_money_is_matched_by_one_click_and_once(
    merchant: Merchant, casey: Client
) -> None:
    robin = signed_in(staff_of(merchant, "Robin"))
    claim = claimed(book(merchant))
    user = User.objects.get(username="casey")
    bring(merchant, csv((f"Zelle {claim.payment.booking.code}", "100.00"), ("who?", "40.00")), by=user)
    line, strange = lines(merchant)
    [row] = waiting(casey)
    assert [found.line for found in row.found] == [line]
    url = page_of(claim, "match")
    assert f'name="line" value="{line.pk}"' in casey.get(INBOX).content.decode()
    assert "Choose the line" in said(
        casey.get(url, {"line": line.pk}, follow=True)
    )  # looking matches nothing
    assert not Transfer.objects.exists()
    assert "$100.00 on the statement is matched" in said(casey.post(url, {"line": line.pk}, follow=True))
    claim.refresh_from_db()
    line.refresh_from_db()
    assert (claim.state, line.state, claim.transfer.statement_line) == ("confirmed", "matched", line)
    assert books(merchant) == {"bank": 10_000, "customer_deposits": -10_000}
    assert "Casey was faster" in said(robin.post(url, {"line": line.pk}, follow=True))
    other = claimed(book(merchant, email="bo@example.com"), sender_name="Bo")
    again = robin.post(page_of(other, "match"), {"line": line.pk}, follow=True)
    assert "That line was decided meanwhile: Matched by Casey" in said(again)
    rival = Merchant.objects.create(name="Rival", slug="rival", email="r@rival.example")
    for client in (
        signed_in(staff_of(rival, "Rival")),
        signed_in(staff_of(merchant, "Vi", role=Role.VIEWER)),
    ):
        assert client.post(page_of(other, "match"), {"line": strange.pk}).status_code == 404
    assert Transfer.objects.count() == 1


def test_what_cannot_be_is_said_beside_the_form_and_nothing_changes(
    merchant: Merchant, casey: Client
) -> None:
    claim, booking = claimed(book(merchant)), Booking.objects.get()
    click(casey, claimed(book(merchant, email="b@example.com"), sender_name="Bo"))
    used = Transfer.objects.get()
    Transfer.objects.filter(pk=used.pk).update(reference="Z-9", reference_key="Z9")
    before = standing(booking)
    for typed, words in (
        ({"amount": "0"}, "above zero"),
        ({"amount": "ten"}, "amount"),
        ({"received_on": "2031-01-01"}, "still to come"),
        ({"reference": "z 9"}, "was recorded before"),
        ({"code_1": "ZZZZZZZZ", "amount_1": "10.00"}, "no booking with this code"),
        ({"code_1": booking.code}, "how much of it"),
        ({"credit": "500.00"}, "amount must be more than zero"),
    ):
        page = dialog(casey, claim, **typed).content.decode()
        assert words in page, (typed, words)
    # What was seen is not what would happen now: shown again, not done.
    form = dialog(casey, claim).context["form"]
    sent = {name: str(form[name].data or "") for name in form.fields} | {"shown": "something else"}
    assert "once more" in casey.post(page_of(claim, "confirm"), sent).content.decode()
    assert standing(booking) == before


def test_a_refusal_is_kind_names_the_amount_and_the_customer_may_say_it_again(
    merchant: Merchant, casey: Client
) -> None:
    booking = book(merchant)
    claim = claimed(booking)
    form = casey.get(page_of(claim, "reject")).context["form"]
    assert "$100.00 from Ada Example by Zelle" in form["reason"].value()
    before = standing(booking)
    assert "This field is required" in casey.post(page_of(claim, "reject"), {"reason": " "}).content.decode()
    assert standing(booking) == before
    answer = casey.post(page_of(claim, "reject"), {"reason": "Another name stands there."}, follow=True)
    assert "told kindly" in said(answer)
    again = casey.post(page_of(claim, "reject"), {"reason": "Really."}, follow=True)
    assert "Casey was faster" in said(again)
    assert "Another name stands there." in OutboxEmail.objects.get(key__startswith="claim-rejected:").text
    assert claimed(booking).state == "open"


def test_two_at_work_see_each_other_and_the_second_is_told_who_was_first(
    merchant: Merchant, casey: Client
) -> None:
    robin = signed_in(staff_of(merchant, "Robin"))
    claim = claimed(book(merchant))
    page = robin.get(INBOX)
    [row], seen = page.context["inbox"].rows, page.context["inbox"].mark
    news = f"{INBOX}news/"
    robin.get(news, {"seen": seen})
    with CaptureQueriesContext(connection) as captured:
        assert robin.get(news, {"seen": seen}).status_code == 204
    asked = [one["sql"] for one in captured if "payments_" in one["sql"]]
    assert len(asked) == 1
    click(casey, claim)
    fresh = robin.get(news, {"seen": seen})
    assert "Nothing waits" in fresh.content.decode()
    assert "Casey" in fresh.content.decode()
    assert "Casey was faster: Ada Example" in click(robin, claim, key=row.key)
    assert Transfer.objects.count() == 1


def test_the_list_is_ordered_by_age_or_event_and_tells_what_to_look_at(
    merchant: Merchant, casey: Client
) -> None:
    first = claimed(book(merchant), sender_name="Ada  EXAMPLE")
    second = claimed(book(merchant, email="b@example.com"), sender_name="Somebody Else")
    Booking.objects.filter(pk=second.payment.booking_id).update(
        starts_at=first.payment.booking.starts_at.replace(year=2026, month=12)
        if first.payment.booking.starts_at.year > 2026
        else first.payment.booking.starts_at
    )
    assert [row.claim.pk for row in waiting(casey)] == [first.pk, second.pk]
    by_event = [row.claim.payment.booking.starts_at for row in waiting(casey, by="event")]
    assert by_event == sorted(by_event)
    hints = {row.claim.pk: [hint.words for hint in row.hints] for row in waiting(casey)}
    assert "The sender's name is the customer's" in hints[first.pk]
    assert any(words.startswith("Another name") for words in hints[second.pk])
    assert any("2 claims of this amount" in words for words in hints[second.pk])


def test_the_inbox_costs_the_same_for_few_and_for_many(merchant: Merchant, casey: Client) -> None:
    claimed(book(merchant))
    casey.get(INBOX)
    few = _statements(casey)
    for number in range(4):
        claimed(book(merchant, email=f"c{number}@example.com"), sender_name=f"Guest {number}")
    assert _statements(casey) == few <= 16


def _statements(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(INBOX).status_code == 200
    return len(captured)


def test_others_see_and_decide_nothing(merchant: Merchant) -> None:
    claim = claimed(book(merchant))
    other = Merchant.objects.create(name="Rival", slug="rival", email="r@rival.example")
    rival = signed_in(staff_of(other, "Rival", role=Role.OWNER))
    viewer = signed_in(staff_of(merchant, "Viewer", role=Role.VIEWER))
    assert not waiting(rival)
    [row] = waiting(viewer)
    assert not row.may_decide
    before = standing(claim.payment.booking)
    for client in (rival, viewer, Client()):
        for name in ("confirm", "reject"):
            answer = client.post(page_of(claim, name), {"_exact": "1", "request_key": "k", "reason": "no"})
            assert answer.status_code in (302, 403, 404)
    assert rival.get(page_of(claim, "proof")).status_code == 404
    assert standing(claim.payment.booking) == before


def test_a_claim_for_what_a_card_paid_meanwhile_is_shown_as_credit_before_and_becomes_it(
    merchant: Merchant, casey: Client
) -> None:
    booking = book(merchant)
    claim = claimed(booking)
    cash = manual.Found(
        merchant=merchant, method="cash", amount_minor=10_000, currency="usd", received_on=TODAY, by=None
    )
    manual.record(cash, booking=booking)
    [row] = waiting(casey)
    assert any("Paid already" in hint.words for hint in row.hints)
    [effect] = casey.get(page_of(claim, "confirm")).context["effects"]
    assert (effect.placed_minor, effect.credit_minor, effect.desk_words) == (
        0,
        10_000,
        "Paid twice or too much",
    )
    assert "$100.00 kept as credit" in click(casey, claim)
    assert Credit.objects.get().remaining_minor == 10_000
