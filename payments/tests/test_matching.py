"""Which money is whose: codes however damaged, amounts, names and days; told in words, and unsure where it is."""

from datetime import timedelta
from itertools import combinations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from bookings import codes
from bookings.tests.factories import MerchantFactory, SlotFactory, TaxRateFactory, booked
from core import clock
from payments import manual, matching
from payments.matching import Damage, Verdict
from payments.models import StatementLine

TODAY = clock.today("America/Los_Angeles")
ALPHABET = st.sampled_from(codes.ALPHABET)


@st.composite
def a_code(draw):
    body = draw(st.text(ALPHABET, min_size=7, max_size=7))
    return next(body + last for last in codes.ALPHABET if codes.is_valid(body + last))


@st.composite
def a_damaged_code(draw):
    code = draw(a_code())
    kind = draw(st.sampled_from(["case", "spaces", "lookalike", "zeros", "swapped", "wrong"]))
    written, damage = code, Damage.NONE
    if kind == "case":
        written = code.lower()
    elif kind == "spaces":
        cut = draw(st.integers(1, 7))
        written = code[:cut] + draw(st.sampled_from([" ", "-", " – ", "."])) + code[cut:]
    elif kind == "lookalike":
        written = code.replace("0", draw(st.sampled_from("oO"))).replace("1", draw(st.sampled_from("iIlL")))
    elif kind == "zeros":
        code = next(f"00{code[:5]}{last}" for last in codes.ALPHABET if codes.is_valid(f"00{code[:5]}{last}"))
        written, damage = code.lstrip("0"), Damage.ZEROS
    elif kind == "swapped":
        left, right = draw(st.sampled_from(list(combinations(range(8), 2))))
        letters = list(code)
        letters[left], letters[right] = letters[right], letters[left]
        written = "".join(letters)
        damage = Damage.SWAPPED if written != code else Damage.NONE
    else:
        place = draw(st.integers(0, 7))
        written = code[:place] + draw(ALPHABET) + code[place + 1 :]
        damage = Damage.WRONG if written != code else Damage.NONE
    return code, written, damage


@given(
    a_damaged_code(), st.sampled_from(["{}", "Zelle from Ada Example {} conf# 99x", "PAYMENT,{}/ 03.04.2026"])
)
def test_a_code_with_one_damage_finds_itself_and_says_so(damaged, around):
    code, written, damage = damaged
    if len(written) < 5:
        return  # three zeros at most may be lost
    found = {trace.code: trace for trace in matching.traces(around.format(written))}
    assert code in found
    order = list(Damage)
    # Never told as worse than it is: an exchange of two may also be one wrong character, not the other way.
    assert order.index(found[code].damage) <= order.index(damage)
    if damage != Damage.NONE:
        assert found[code].damage != Damage.NONE


@given(a_code(), a_code())
def test_of_two_codes_that_one_damage_may_mean_none_is_called_exact(one, other):
    for text in codes.one_wrong(one[:-1] + other[-1]):
        assert codes.is_valid(text)
        assert sum(a != b for a, b in zip(text, one[:-1] + other[-1], strict=True)) == 1
    exact = [trace.code for trace in matching.traces(f"{one} {other}") if trace.damage == Damage.NONE]
    assert {one, other} <= set(exact)


@pytest.mark.parametrize("text", ["", "O" * 5_000, "🍣" * 50, "=1+1", "\x00", "12/31/2026 1,234.56"])
def test_text_without_a_code_is_read_without_harm(text):
    assert all(codes.is_valid(trace.code) for trace in matching.traces(text))


@pytest.fixture
def merchant(db):
    made = MerchantFactory.create(
        is_default=True, zelle_contact="pay@ember.example", venmo_handle="ember-kitchen"
    )
    TaxRateFactory.create(merchant=made)
    made.menus.create(name="Hibachi", adult_price_minor=10_000, child_price_minor=5_000)
    return made


@pytest.fixture
def by(merchant):
    return User.objects.create_user("casey")


def book(merchant, name, *, code="", number=0):
    """1,000.00 and 87.50 tax: deposit 100.00, balance 987.50."""
    slot = SlotFactory.create(
        merchant=merchant, starts_at=clock.now() + timedelta(days=30 + merchant.slots.count())
    )
    email = f"{name.split()[0].lower()}{number}@example.com"
    booking = booked(
        merchant=merchant,
        slot=slot,
        adults=10,
        children=0,
        name=name,
        email=email,
        phone=f"(415) 555-{2600 + number}",
    )
    if code:
        type(booking).objects.filter(pk=booking.pk).update(code=code)
        booking.code = code
    return booking


def line(merchant, text="", *, amount_minor=10_000, payer="", reference="", currency="usd", days_ago=0):
    return StatementLine(
        merchant=merchant,
        booked_on=TODAY - timedelta(days=days_ago),
        amount_minor=amount_minor,
        currency=currency,
        description=text,
        payer=payer,
        reference=reference,
    )


def suggest(*rows):
    return matching.suggest(list(rows))


def test_a_line_is_led_to_its_booking_by_code_amount_and_name_and_says_why(merchant):
    """Also pretix/pretix#5853: a code without its leading zeros."""
    ada = book(
        merchant,
        "Ada Example",
        code="00K3M9Q" + next(c for c in codes.ALPHABET if codes.is_valid("00K3M9Q" + c)),
    )
    grace = book(merchant, "Grace Sample", number=1)
    lost, swapped = ada.code.lstrip("0"), grace.code[1] + grace.code[0] + grace.code[2:]
    exact, zeros, exchange, strange, out = suggest(
        line(merchant, f"Zelle from ADA EXAMPLE {ada.code.lower()[:4]}-{ada.code.lower()[4:]}"),
        line(merchant, f"ref {lost}", amount_minor=10_300),
        line(merchant, f"dinner {swapped}", amount_minor=5_000),
        line(merchant, "Refund of water works", amount_minor=1_234),
        line(merchant, ada.code, amount_minor=-10_000),
    )
    assert (exact.verdict, exact.best.booking) == (Verdict.CERTAIN, ada)
    assert exact.best.words == (
        f"The code {ada.code} stands in it; $100.00 is exactly the deposit; the name Ada Example agrees."
    )
    assert (zeros.verdict, zeros.best.booking, zeros.best.exact_reference) == (Verdict.LIKELY, ada, False)
    assert f"“{lost}” is the code {ada.code} without its leading zeros" in zeros.best.words
    assert "with Venmo's fee" in zeros.best.words
    if swapped != grace.code:
        assert (exchange.verdict, exchange.best.booking) == (Verdict.LIKELY, grace)
        assert "two characters exchanged" in exchange.best.words
        assert "less than the $100.00 that is due" in exchange.best.words
    assert strange == out == matching.Suggestion()


def test_what_fits_two_bookings_alike_stays_unsure_and_another_currency_fits_none(merchant):
    ada, twin = book(merchant, "Ada Example"), book(merchant, "Grace Sample", number=1)
    by_amount, both, euros, name = suggest(
        line(merchant, "Zelle payment"),
        line(merchant, f"for {ada.code} and {twin.code}"),
        line(merchant, ada.code, currency="eur"),
        line(merchant, "Zelle payment from EXAMPLE, ADA"),
    )
    for found in (by_amount, both):
        assert (found.verdict, found.best) == (Verdict.UNSURE, None)
        assert {candidate.booking for candidate in found.candidates} == {ada, twin}
    assert euros.verdict == Verdict.NONE
    assert (name.verdict, name.best.booking) == (Verdict.LIKELY, ada)


def test_two_bookings_one_damage_away_from_what_was_written_are_both_shown_and_none_is_picked(merchant):
    written = "7K3M9QXA" if not codes.is_valid("7K3M9QXA") else "7K3M9QXB"
    first, second = codes.one_wrong(written)[:2]
    book(merchant, "Ada Example", code=first)
    book(merchant, "Grace Sample", code=second, number=1)
    [found] = suggest(line(merchant, written, amount_minor=777))
    assert {candidate.booking.code for candidate in found.candidates} == {first, second}
    assert found.best is None


def test_money_recorded_before_is_offered_as_its_proof_and_not_to_be_booked_again(merchant, by):
    ada = book(merchant, "Ada Example")
    manual.record(
        manual.Found(merchant=merchant, method="zelle", amount_minor=10_000, currency="usd", received_on=TODAY, by=by,
                     reference="BOA 77-1", sender_name="Ada Example"),
        booking=ada,
    )  # fmt: skip
    by_code, by_reference = suggest(
        line(merchant, ada.code, days_ago=1), line(merchant, "Zelle", reference="boa771", days_ago=20)
    )
    for found in (by_code, by_reference):
        assert found.best.transfer is not None
        assert [candidate.transfer is None for candidate in found.candidates] == [False]
    assert by_code.verdict == Verdict.CERTAIN
    assert "The reference BOA 77-1 agrees" in by_reference.best.words


def test_a_claim_finds_its_line(merchant):
    ada, grace = book(merchant, "Ada Example"), book(merchant, "Grace Sample", number=1)
    claims = [
        manual.claim(
            manual.start(booking, method="zelle", actor="customer"),
            sender_name=name,
            sent_on=TODAY,
            actor="customer",
        )
        for booking, name in ((ada, "Ada Example"), (grace, "Grandma Sample"))
    ]
    assert [found.verdict for found in suggest(*claims)] == [Verdict.NONE, Verdict.NONE]
    statement = make_import(merchant, by=User.objects.create_user("robin"))
    own = line(merchant, f"Zelle {ada.code}", payer="A. EXAMPLE")
    own.statement, own.position, own.fingerprint = statement, 1, "1" * 64
    own.save()
    first, second = suggest(*claims)
    assert (first.verdict, first.best.line, first.best.claim) == (Verdict.CERTAIN, own, claims[0])
    assert second.best is None
    [of_line] = suggest(own)
    assert of_line.best.claim == claims[0]
    assert "Ada Example says it was sent" in of_line.best.words


def make_import(merchant, *, by):
    mapping = merchant.statement_mappings.create(name="Checking", header_fingerprint="0" * 64)
    return merchant.statement_imports.create(
        mapping=mapping, file_name="a.csv", sha256="0" * 64, imported_by=by
    )


def test_two_hundred_lines_cost_as_many_statements_as_one(merchant):
    bookings = [book(merchant, f"Guest{number} Sample", number=number) for number in range(4)]
    lines = [line(merchant, f"Zelle {bookings[number % 4].code}") for number in range(200)]
    counts = []
    for some in (lines[:1], lines):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = matching.suggest(some)
        counts.append(len(queries))
        assert all(one.verdict == Verdict.CERTAIN for one in found)
    assert counts[0] == counts[1] <= 7
