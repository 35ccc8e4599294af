"""Importing and deciding: once however often, undone as if never, every cent from clearing to bank and back."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections

from bookings.tests.factories import MerchantFactory, SlotFactory, TaxRateFactory, booked
from core import clock
from core.errors import DomainError, Invalid
from core.models import OutboxEmail
from customers.models import Membership
from payments import errors, ledger, manual, matching, refunds, resolution, statements
from payments.matching import Verdict
from payments.models import (
    Claim,
    DeskItem,
    LedgerTransaction,
    LineState,
    Payment,
    Refund,
    StatementImport,
    StatementLine,
    StatementMapping,
    Transfer,
)

pytestmark = pytest.mark.django_db
TODAY = clock.today("America/Los_Angeles")


@pytest.fixture
def merchant():
    made = MerchantFactory.create(
        is_default=True, zelle_contact="pay@ember.example", venmo_handle="ember-kitchen"
    )
    TaxRateFactory.create(merchant=made)
    made.menus.create(name="Hibachi", adult_price_minor=10_000, child_price_minor=5_000)
    return made


@pytest.fixture
def by(merchant):
    return User.objects.create_user("casey", first_name="Casey", last_name="Clerk")


def book(merchant, name="Ada Example", *, number=0):
    """1,000.00 and 87.50 tax: deposit 100.00, balance 987.50."""
    slot = SlotFactory.create(
        merchant=merchant, starts_at=clock.now() + timedelta(days=30 + merchant.slots.count())
    )
    email = f"{name.split()[0].lower()}{number}@example.com"
    return booked(
        merchant=merchant,
        slot=slot,
        adults=10,
        children=0,
        name=name,
        email=email,
        phone=f"(415) 555-{2600 + number}",
    )


def csv(*rows):
    """(text, amount) or (text, amount, payer, id, fee), all of today."""
    lines = ["Date,Description,Amount,From,Transaction ID,Fee"]
    for text, amount, *more in rows:
        payer, number, fee = [*more, "", "", ""][:3]
        lines.append(f'{TODAY:%Y-%m-%d},"{text}",{amount},{payer},{number},{fee}')
    return "\n".join(lines).encode()


def bring(merchant, data, *, by, account="Checking", method="zelle"):
    table = statements.read(data)
    columns = statements.from_json({**statements.guess(table).as_json(), "method": method})
    return statements.store(
        merchant, table, columns=columns, account=account, file_name="march.csv", data=data, by=by
    )


def looked(merchant, data, *, account="Checking"):
    table = statements.read(data)
    return statements.look(merchant, table, columns=statements.guess(table), account=account)


def lines(merchant):
    return list(StatementLine.objects.filter(merchant=merchant).order_by("position"))


def books(merchant):
    found = ledger.balances(merchant=merchant, currency="usd").items()
    return {name: minor for name, minor in found if minor and not name.startswith("platform")}


def standing():
    """Everything that a refusal must leave as it is."""
    return (
        sorted(StatementLine.objects.values_list("pk", "state")),
        sorted(Payment.objects.values_list("pk", "state", "received_minor")),
        sorted(Transfer.objects.values_list("pk", "statement_line", "reversed_at")),
        LedgerTransaction.objects.count(),
        OutboxEmail.objects.count(),
        DeskItem.objects.count(),
        StatementImport.objects.count(),
    )


def test_the_preview_says_what_an_import_would_do_and_stores_nothing(merchant, by):
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    data = csv(
        (ada.code, "100.00"),
        (f"{grace.code[:4].lower()} {grace.code[4:].lower()}", "55.00"),
        ("Zelle payment", "100.00"),
        ("WATER WORKS", "12.34"),
        (ada.code, "0.00"),
        ("flour", "-30.00"),
        ("odd", "1.2.3"),
    )
    before = standing()
    found = looked(merchant, data)
    assert standing() == before
    assert not StatementMapping.objects.exists()
    assert [(row.standing, row.verdict) for row in found.rows] == [
        ("new", Verdict.CERTAIN),
        ("new", Verdict.LIKELY),
        ("new", Verdict.UNSURE),
        ("new", Verdict.NONE),
        ("zero", ""),
        ("new", ""),
        ("unreadable", ""),
    ]
    assert (found.certain, found.count("new"), found.count("zero")) == (1, 5, 1)
    assert [row.is_foreign for row in found.rows] == [False, False, False, True, False, False, False]


def test_the_same_file_twice_or_overlapping_stores_each_line_once_and_equal_transfers_stay_two(merchant, by):
    """actualbudget/actual#8221."""
    first = csv(("ZELLE ADA", "50.00"), ("ZELLE ADA", "50.00"), ("other", "20.00"))
    assert bring(merchant, first, by=by).new == 3
    again = bring(merchant, first, by=by)
    assert (again.statement, again.new, again.known) == (None, 0, 3)
    assert StatementImport.objects.count() == 1
    more = bring(
        merchant, csv(("zelle  ada", "50.00"), ("ZELLE ADA", "50.00"), ("ZELLE ADA", "50.00")), by=by
    )
    assert (more.new, more.known, more.statement.known_before) == (1, 2, 2)
    assert [row.standing for row in looked(merchant, first).rows] == ["known"] * 3
    assert bring(merchant, first, by=by, account="Savings").new == 3
    counts = Counter(StatementLine.objects.filter(account="Checking").values_list("amount_minor", flat=True))
    assert counts == {5_000: 3, 2_000: 1}
    [mapping] = StatementMapping.objects.all()
    assert statements.remembered(merchant, statements.read(first)) == mapping
    assert statements.from_json(mapping.columns).booked_on == 0


def test_only_what_is_beyond_doubt_is_matched_by_itself_and_of_two_equal_transfers_one(merchant, by):
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    stored = bring(
        merchant,
        csv(
            (ada.code, "100.00"), (ada.code, "100.00"), (f"x {grace.code[1:]}", "100.00"), (ada.code, "0.00")
        ),
        by=by,
    )
    assert stored.new == 3
    assert statements.take_certain(stored.statement, by=by) == 1
    assert statements.take_certain(stored.statement, by=by) == 0
    assert [line.state for line in lines(merchant)] == ["matched", "unmatched", "unmatched"]
    ada.refresh_from_db()
    grace.refresh_from_db()
    assert (ada.state, grace.state) == ("confirmed", "held")
    assert books(merchant) == {"bank": 10_000, "customer_deposits": -10_000}
    # A row of zero is no line: nobody is told that something is incomplete.
    assert not OutboxEmail.objects.filter(key__startswith="short:").exists()


def test_a_line_books_its_claim_and_venmos_own_fee_is_an_expense(merchant, by):
    ada = book(merchant)
    payment = manual.start(ada, method="venmo", actor="customer")
    said = manual.claim(payment, sender_name="Ada Example", sent_on=TODAY, actor="customer")
    bring(
        merchant, csv((f"dinner {ada.code}", "103.00", "Ada Example", "4001", "2.06")), by=by, method="venmo"
    )
    [line] = lines(merchant)
    [found] = matching.suggest([line])
    assert found.verdict == Verdict.CERTAIN
    assert found.best is not None
    statements.match(line, to=found.best, by=by)
    said.refresh_from_db()
    line.refresh_from_db()
    assert said.transfer is not None
    assert (said.state, line.state, said.transfer.statement_line) == ("confirmed", "matched", line)
    assert said.transfer.reference == "4001"
    assert books(merchant) == {
        "bank": 10_094,
        "gateway_fees": 206,
        "customer_deposits": -10_000,
        "processing_fee_income": -300,
    }
    before = standing()
    with pytest.raises(errors.AlreadyDecided, match="Matched by Casey Clerk already"):
        statements.match(line, to=found.best, by=by)
    with pytest.raises(errors.AlreadyDecided):
        statements.ignore(line, by=by, reason="no")
    with pytest.raises(errors.AlreadyDecided):
        statements.to_desk(line, by=by, reason="no")
    assert standing() == before


def record(merchant, booking, *, by, amount_minor, method="zelle", reference=""):
    found = manual.Found(
        merchant=merchant, method=method, amount_minor=amount_minor, currency="usd", received_on=TODAY, by=by,
        reference=reference,
    )  # fmt: skip
    return manual.record(found, booking=booking).transfer


def test_money_recorded_before_the_statement_came_is_proven_not_booked_again(merchant, by):
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    one = record(merchant, ada, by=by, amount_minor=10_300, method="venmo")
    two = record(merchant, grace, by=by, amount_minor=10_300, method="venmo")
    bring(
        merchant, csv(("VENMO CASHOUT", "202.00"), ("VENMO CASHOUT", "150.00"), (ada.code, "103.00")), by=by
    )
    batch, short, single = lines(merchant)
    before = standing()
    with pytest.raises(Invalid, match=r"\$206.00 were recorded, and the line shows \$150.00"):
        statements.match_recorded(short, transfers=[one, two], by=by)
    assert standing() == before
    statements.match_recorded(batch, transfers=[one, two], by=by)
    assert books(merchant)["bank"] == 20_200
    assert books(merchant)["gateway_fees"] == 400
    assert "clearing:venmo" not in books(merchant)
    before = standing()
    with pytest.raises(errors.AlreadyDecided):
        statements.match_recorded(single, transfers=[one], by=by)
    assert standing() == before


def test_a_reference_that_staff_recorded_is_refused_and_one_that_the_bank_repeats_is_not(merchant, by):
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    record(merchant, ada, by=by, amount_minor=10_000, reference="BOA-1")
    bring(
        merchant,
        csv(("a", "100.00", "", "boa1"), ("b", "100.00", "", "SAME"), ("c", "50.00", "", "SAME")),
        by=by,
    )
    twin, first, second = lines(merchant)
    before = standing()
    with pytest.raises(errors.ReferenceUsed, match=ada.code):
        statements.book(twin, to=grace, by=by)
    assert standing() == before
    statements.book(first, to=grace, by=by)
    statements.book(second, to=grace, by=by)
    assert Transfer.objects.filter(statement_line__isnull=False).count() == 2


def test_a_line_is_split_over_bookings_or_pays_all_that_is_open(merchant, by):
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    bring(merchant, csv(("both", "150.00"), ("all", "1037.50")), by=by)
    both, everything = lines(merchant)
    parts = [manual.Part(amount_minor=10_000, booking=ada), manual.Part(amount_minor=5_000, booking=grace)]
    before = standing()
    with pytest.raises(Invalid, match="do not sum"):
        statements.split(both, parts=parts[:1], by=by)
    assert standing() == before
    statements.split(both, parts=parts, by=by)
    statements.book(everything, to=grace, by=by)
    assert sum(part.open_minor for part in grace.instalments.all()) == 0
    assert books(merchant) == {"bank": 118_750, "customer_deposits": -118_750}


def test_undone_alone_the_booking_stays_and_taken_back_it_is_as_if_never(merchant, by):
    ada = book(merchant)
    bring(merchant, csv((ada.code, "100.00")), by=by)
    [line] = lines(merchant)
    statements.book(line, to=ada, by=by)
    with pytest.raises(Invalid, match="Say why"):
        statements.undo(line, by=by, reason=" ")
    assert statements.undo(line, by=by, reason="another account")
    assert not statements.undo(line, by=by, reason="another account")
    assert books(merchant) == {"clearing:zelle": 10_000, "customer_deposits": -10_000}
    [found] = matching.suggest(lines(merchant))
    assert found.best is not None
    assert found.best.transfer == Transfer.objects.get()
    statements.match(line, to=found.best, by=by)
    assert books(merchant) == {"bank": 10_000, "customer_deposits": -10_000}
    assert statements.undo(line, by=by, reason="not Ada's", take_back=True)
    assert not statements.undo(line, by=by, reason="not Ada's", take_back=True)
    assert books(merchant) == {}
    assert Payment.objects.get().state == "reversed"
    statements.book(line, to=ada, by=by)
    assert books(merchant) == {"bank": 10_000, "customer_deposits": -10_000}
    line.refresh_from_db()
    assert [change.to_state for change in line.changes.all()] == [
        "matched", "unmatched", "matched", "unmatched", "matched",
    ]  # fmt: skip


def test_what_a_line_proves_is_taken_back_with_its_match_alone(merchant, by):
    """Else the bank would keep money that no clearing account gave."""
    ada = book(merchant)
    bring(merchant, csv((ada.code, "100.00")), by=by)
    [line] = lines(merchant)
    statements.book(line, to=ada, by=by)
    transfer = Transfer.objects.get()
    before = standing()
    with pytest.raises(errors.NotReversible):
        manual.reverse(transfer, reason="wrong", by=by)
    assert standing() == before
    assert statements.undo(line, by=by, reason="wrong", take_back=True)
    assert books(merchant) == {}


def test_a_line_is_ignored_with_a_reason_or_put_on_the_desk_and_both_can_be_undone(merchant, by):
    bring(
        merchant,
        csv(("STRIPE TRANSFER", "1,000.00".replace(",", "")), ("who?", "77.00"), ("rent", "-500.00")),
        by=by,
    )
    payout, strange, rent = lines(merchant)
    before = standing()
    with pytest.raises(Invalid, match="Say why"):
        statements.ignore(payout, by=by, reason="")
    with pytest.raises(Invalid, match="Say why"):
        statements.to_desk(strange, by=by, reason="")
    with pytest.raises(Invalid, match="went out"):
        statements.to_desk(rent, by=by, reason="rent")
    assert standing() == before
    statements.ignore(payout, by=by, reason="Stripe's payout, booked by itself")
    statements.to_desk(strange, by=by, reason="nobody known")
    assert books(merchant) == {"bank": 7_700, "unallocated": -7_700}
    assert DeskItem.objects.get().kind == "foreign_money"
    for line in (payout, strange):
        assert statements.undo(line, by=by, reason="looked again")
    assert books(merchant) == {}
    assert {line.state for line in lines(merchant)} == {"unmatched"}
    assert StatementLine.objects.get(pk=payout.pk).ignored_reason == ""
    assert [(item.closed_by, item.resolution) for item in DeskItem.objects.all()] == [
        (by, "The money was taken back. looked again")
    ]
    statements.to_desk(strange, by=by, reason="still nobody")
    assert DeskItem.objects.filter(closed_at__isnull=True).count() == 1


def test_what_the_desk_placed_is_matched_and_undone_it_has_one_open_item_again(merchant, by):
    ada = book(merchant)
    bring(merchant, csv(("who?", "100.00")), by=by)
    [line] = lines(merchant)
    statements.to_desk(line, by=by, reason="nobody known")
    Membership.objects.create(user=by, merchant=merchant, role="manager")
    item = DeskItem.objects.get()
    resolution.resolve(item, action="place", by=by, reason="Ada called", booking=ada)
    [line] = lines(merchant)
    assert (line.state, line.changes.last().reason) == ("matched", f"$100.00 placed on {ada.code}")
    assert statements.undo(line, by=by, reason="it was Bo's", take_back=True)
    assert books(merchant) == {}
    [opened] = DeskItem.objects.filter(closed_at__isnull=True)
    assert (opened.kind, opened.booking) == ("money_reversed", ada)


def test_what_the_desk_sends_back_by_hand_is_a_task_and_its_line_is_matched(merchant, by):
    ada = book(merchant)
    bring(merchant, csv(("who?", "77.00")), by=by)
    [line] = lines(merchant)
    statements.to_desk(line, by=by, reason="nobody known")
    record(merchant, ada, by=by, amount_minor=15_000)
    Membership.objects.create(user=by, merchant=merchant, role="owner")
    for item in DeskItem.objects.order_by("pk"):
        [words] = [one.effect for one in resolution.choices(item) if one.action == "refund"]
        assert "goes back by hand (Zelle)" in words
        resolution.resolve(item, action="refund", by=by, reason="as agreed", authenticated_at=clock.now())
    assert DeskItem.objects.filter(closed_at__isnull=True).count() == 0
    assert [line.state for line in lines(merchant)] == ["matched"]
    for refund in Refund.objects.all():
        assert (refund.route, refund.state) == ("manual", "approved")
        refunds.record_sent(refund, by=by, reference=f"sent {refund.pk}", sent_on=TODAY)
    left = books(merchant)
    assert {left.get("unallocated", 0), left.get("customer_credit", 0)} == {0}
    assert left["bank"] == 7_700  # what was sent out is on no statement yet
    assert left["clearing:zelle"] == 10_000 - 7_700


def test_a_refund_from_the_desk_that_died_before_the_item_was_closed_leaves_no_line_on_the_desk(merchant, by):
    bring(merchant, csv(("who?", "77.00")), by=by)
    [line] = lines(merchant)
    statements.to_desk(line, by=by, reason="nobody known")
    Membership.objects.create(user=by, merchant=merchant, role="owner")
    item = DeskItem.objects.get()
    assert item.payment is not None
    asked = {
        "amount_minor": 7_700,
        "cause": "surplus",
        "reason": "x",
        "requested_by": by,
        "actor": f"user:{by.pk}",
    }
    refunds.request(payment=item.payment, request_key=f"desk:{item.public_id}", **asked)
    with pytest.raises(errors.NotReversible):
        statements.undo(line, by=by, reason="looked again")
    assert [one.action for one in resolution.choices(item)] == ["noted"]  # nothing can be sent twice
    resolution.resolve(item, action="noted", by=by, reason="it is under Refunds")
    assert ([line.state for line in lines(merchant)], Refund.objects.count()) == (["matched"], 1)


def test_a_refund_that_staff_sent_moves_from_bank_to_clearing_once(merchant, by):
    ada = book(merchant)
    payment = record(merchant, ada, by=by, amount_minor=10_000).payments.get()
    made = {
        "payment": payment,
        "amount_minor": 4_000,
        "total_minor": 4_000,
        "currency": "usd",
        "route": "manual",
    }
    refund = Refund.objects.create(**made, state="succeeded", cause="duplicate", reason="twice")
    bring(merchant, csv(("to Ada", "-40.00"), ("to Ada", "-40.00"), ("to Bob", "-41.00")), by=by)
    first, second, other = lines(merchant)
    assert statements.sent_candidates(first) == [refund]
    assert statements.sent_candidates(other) == []
    statements.match_sent(first, refund=refund, by=by)
    assert statements.sent_candidates(second) == []
    assert books(merchant)["bank"] == -4_000
    assert books(merchant)["clearing:zelle"] == 14_000
    before = standing()
    with pytest.raises(errors.AlreadyDecided):
        statements.match_sent(second, refund=refund, by=by)
    with pytest.raises(Invalid):
        statements.match_sent(other, refund=refund, by=by)
    assert standing() == before
    assert statements.undo(first, by=by, reason="the other one")
    statements.match_sent(second, refund=refund, by=by)
    assert books(merchant)["bank"] == -4_000


def test_a_refund_whose_platform_fee_came_back_is_still_to_be_found_on_the_statement(merchant, by):
    payment = record(merchant, book(merchant), by=by, amount_minor=10_000).payments.get()
    Membership.objects.create(user=by, merchant=merchant, role="manager")
    refund = refunds.request(
        payment=payment,
        amount_minor=4_000,
        cause="price_reduction",
        reason="fewer",
        requested_by=by,
        actor="test",
    )
    refund = refunds.record_sent(refund, by=by, reference="out-1", sent_on=TODAY)
    assert ledger.is_posted(merchant=merchant, source_keys=[f"pf:refund:{refund.public_id}"])
    bring(merchant, csv(("to Ada", "-40.00")), by=by)
    [line] = lines(merchant)
    assert statements.sent_candidates(line) == [refund]
    statements.match_sent(line, refund=refund, by=by)
    assert books(merchant)["clearing:zelle"] == 10_000


def at_once(*acts):
    def one(act):
        try:
            return act()
        except DomainError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(one, act) for act in acts]]


@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_import_match_and_undo_once(merchant, by):
    other = User.objects.create_user("robin")
    ada, grace = book(merchant), book(merchant, "Grace Sample", number=1)
    data = csv((ada.code, "100.00"))
    stored = at_once(lambda: bring(merchant, data, by=by), lambda: bring(merchant, data, by=other))
    assert sorted(one.new for one in stored) == [0, 1]
    [line] = lines(merchant)
    results = at_once(
        lambda: statements.book(line, to=ada, by=by), lambda: statements.book(line, to=grace, by=other)
    )
    assert sum(isinstance(result, errors.AlreadyDecided) for result in results) == 1
    assert books(merchant) == {"bank": 10_000, "customer_deposits": -10_000}
    undone = at_once(*[lambda: statements.undo(line, by=by, reason="wrong", take_back=True)] * 2)
    assert sorted(undone) == [False, True]
    assert books(merchant) == {}
    assert Transfer.objects.count() == 1
    assert lines(merchant)[0].state == LineState.UNMATCHED
    assert not Claim.objects.exists()
    payment = manual.start(grace, method="zelle", actor="customer")
    said = manual.claim(payment, sender_name="Grace", sent_on=TODAY, actor="customer")
    results = at_once(
        lambda: manual.confirm(said, amount_minor=10_000, received_on=TODAY, by=by),
        lambda: statements.book(line, to=grace, claim=said, by=other),
    )
    assert sum(isinstance(result, errors.AlreadyDecided) for result in results) == 1
    assert Transfer.objects.filter(reversed_at__isnull=True).count() == 1
    assert books(merchant)["customer_deposits"] == -10_000


def test_a_chosen_file_waits_for_its_owner_some_hours_and_is_removed(merchant, by, settings, tmp_path):
    settings.PRIVATE_MEDIA_ROOT = tmp_path
    token = statements.keep(b"a,b", merchant=merchant, file_name="march.csv", by_id=by.pk)
    assert statements.taken(token, by_id=by.pk) == (b"a,b", merchant.pk, "march.csv")
    for wrong, who in ((token, by.pk + 1), (token + "x", by.pk), ("", by.pk)):
        with pytest.raises(statements.FileGone):
            statements.taken(wrong, by_id=who)
    assert statements.clear() == 0
    statements.remove(token)
    statements.remove(token)
    with pytest.raises(statements.FileGone):
        statements.taken(token, by_id=by.pk)
