"""Any bank's file: encodings, delimiters, headers, days and amounts; what is unsure is asked, what is wrong is said."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import statements
from payments.statements import amounts, dates
from payments.statements.entries import Problem, entries

TODAY = date(2026, 11, 20)

CHASE = """Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #
CREDIT,03/14/2026,"Zelle payment from ADA EXAMPLE, 7K3M9QXA",100.00,QUICKPAY_CREDIT,"1,100.00",,
DEBIT,03/15/2026,"FLOUR, SUGAR",-12.50,DEBIT_CARD,"1,087.50",,
"""
GERMAN = """Kontoauszug;;;
Konto: Küche;;;

Datum;Verwendungszweck;Betrag;Currency
14.03.2026;Überweisung 7K3M9QXA;1.234,56;EUR
15.03.2026;Rückzahlung;-12,00;EUR
Summe;;1.222,56;
"""
TWO_COLUMNS = """Date\tDescription\tDebit\tCredit
2026/3/14\tin\t\t$1,200.00
2026/03/15\tout\t30.00\t
2026/3/16\tboth\t1.00\t2.00
"""
HEADLESS = """"03/14/2026","-12.00","*","","COFFEE BAR"
"03/02/2026","100.00","*","","ZELLE FROM ADA"
"03/03/2026","0.00","*","","FEE WAIVED"
"""
VENMO = """Account Statement - (@ember-kitchen) ,,,,,,
,ID,Datetime,Type,Note,From,Amount (total),Amount (fee)
,,,,,,,
,4001,2026-03-14T09:30:00,Payment,7K3M9QXA,Ada Example,+ $103.00,- $2.06
,4002,2026-03-15T10:00:00,Standard Transfer,,,- $100.94,
"""


def read(text, *, encoding="utf-8", currency="usd"):
    table = statements.read(text.encode(encoding))
    columns = statements.guess(table)
    assert not statements.questions(columns, table)
    return list(entries(table, columns, currency=currency, today=TODAY))


def told(found):
    return [
        (row.booked_on and row.booked_on.isoformat(), row.amount_minor, row.problem.value) for row in found
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_file_reads_alike_in_every_encoding(encoding):
    found = read(GERMAN, encoding=encoding, currency="eur")
    assert told(found) == [
        ("2026-03-14", 123_456, ""),
        ("2026-03-15", -1_200, ""),
        (None, 0, "unreadable"),
    ]
    assert (found[0].description, found[0].currency, found[0].position) == ("Überweisung 7K3M9QXA", "eur", 5)
    assert found[2].words == "“Summe” is no day."


def test_the_files_of_five_kinds_of_banks_need_no_question():
    assert told(read(CHASE)) == [("2026-03-14", 10_000, ""), ("2026-03-15", -1_250, "")]
    assert told(read(TWO_COLUMNS)) == [
        ("2026-03-14", 120_000, ""),
        ("2026-03-15", -3_000, ""),
        (None, 0, "unreadable"),
    ]
    headless = read(HEADLESS)
    assert told(headless) == [("2026-03-14", -1_200, ""), ("2026-03-02", 10_000, ""), (None, 0, "zero")]
    assert headless[1].description == "ZELLE FROM ADA"
    venmo = read(VENMO)
    assert told(venmo) == [("2026-03-14", 10_300, ""), ("2026-03-15", -10_094, "")]
    assert (venmo[0].fee_minor, venmo[0].payer, venmo[0].reference, venmo[1].fee_minor) == (
        206,
        "Ada Example",
        "4001",
        0,
    )
    assert statements.guess(statements.read(VENMO.encode())).method == "venmo"


def test_what_can_be_read_two_ways_is_asked_not_guessed():
    table = statements.read(b'Date,Description,Amount\n03/04/2026,dinner,"1,234"\n05/06/2026,lunch,"2,345"\n')
    columns = statements.guess(table)
    assert [one.name for one in statements.questions(columns, table)] == ["order", "decimal"]
    assert "“03/04/2026”" in statements.questions(columns, table)[0].words
    american = statements.from_json({**columns.as_json(), "order": "mdy", "decimal": "."})
    european = statements.from_json({**columns.as_json(), "order": "dmy", "decimal": ","})
    [first, _] = entries(table, american, currency="usd", today=TODAY)
    assert (first.booked_on, first.amount_minor) == (date(2026, 3, 4), 123_400)
    [first, second] = entries(table, european, currency="usd", today=TODAY)
    assert (first.problem, second.problem) == (Problem.UNREADABLE, Problem.UNREADABLE)  # three decimals
    unmapped = statements.from_json({"order": "mdy", "decimal": "."})
    assert [one.name for one in statements.questions(unmapped, table)] == [
        "booked_on",
        "amount",
        "description",
    ]


def test_equal_rows_are_counted_and_formulas_stay_text():
    text = "Date,Description,Amount\n" + "2026-03-14,=HYPERLINK(1),5.00\n" * 2 + "2026-03-14,other,5.00\n"
    first, second, other = read(text)
    assert [row.occurrence for row in (first, second, other)] == [1, 2, 1]
    assert first.description == "=HYPERLINK(1)"
    assert len({first.fingerprint, second.fingerprint, other.fingerprint}) == 3
    [again, *_] = read(text.replace("=HYPERLINK(1)", "=hyperlink(1) "))
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04xlsx", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"just a sentence\nand one more", "columns"),
        (b"Date,Amount\n" + b"2026-03-14,1.00\n" * 5_001, "rows"),
        (b"," * 100, "columns"),
        (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "text file|columns"),
    ],
)
def test_what_is_no_statement_is_refused_in_words(data, words):
    with pytest.raises(statements.UnreadableFile, match=words):
        statements.read(data)


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1,234.56", ".", 123_456),
        ("1.234,56", ",", 123_456),
        ("1 234,56", ",", 123_456),
        ("1'234.56", ".", 123_456),
        ("(12.00)", ".", -1_200),
        ("($1,012.00)", ".", -101_200),
        ("-12", ".", -1_200),
        ("12-", ".", -1_200),
        ("−12.5", ".", -1_250),
        ("+ $103.00", ".", 10_300),
        ("-$5", ".", -500),
        ("$-5", ".", -500),
        ("5.00 CR", ".", 500),
        ("5.00DR", ".", -500),
        (".50", ".", 50),
        ("USD 7.100", ".", 710),
        ("1,23.4", ".", None),
        ("12.345", ".", None),
        ("(12.00", ".", None),
        ("1.2.3", ".", None),
        ("twelve", ".", None),
        ("", ".", None),
        ("-", ".", None),
        ("9" * 30, ".", None),
        ("٣", ".", None),
    ],
)  # fmt: skip
def test_amounts_are_read_as_banks_print_them(text, decimal, minor):
    assert amounts.minor(text, decimal=decimal, currency="usd") == minor


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(".,"),
    st.booleans(),
    st.sampled_from(["-{}", "{}-", "({})"]),
)
def test_an_amount_survives_being_printed(value, decimal, grouped, negative):
    whole = f"{Decimal(abs(value)).scaleb(-2):,.2f}" if grouped else f"{Decimal(abs(value)).scaleb(-2):.2f}"
    printed = whole if decimal == "." else whole.translate(str.maketrans(",.", ".,"))
    text = negative.format(printed) if value < 0 else printed
    assert amounts.minor(text, decimal=decimal, currency="usd") == value
    assert amounts.decimal_of([text]) in (decimal, "")


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_survives_being_printed(when):
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d, %Y", "%d %B %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S"):
        text = when.strftime(form)
        assert dates.day(text, order="") == when
    assert dates.day(f"{when:%m/%d/%y}", order="mdy") == dates.day(f"{when:%d/%m/%Y}", order="dmy") == when


@pytest.mark.parametrize(
    "text", ["2026-02-30", "31/31/2026", "tomorrow", "", "1/2", "12345", "2026-3/4", "3/4/20266"]
)
def test_what_is_no_day_is_none(text):
    assert dates.day(text, order="mdy") is None


def test_money_of_another_currency_is_never_read_as_the_accounts_own():
    found = read(
        "Date,Description,Amount\n11/13/2026,a gift,€10.00\n11/14/2026,b,10.00 GBP\n11/15/2026,c,$1\n"
    )
    assert [(row.amount_minor, row.currency) for row in found] == [
        (1_000, "eur"),
        (1_000, "gbp"),
        (100, "usd"),
    ]
    [yuan] = read("Date,Description,Amount\n11/13/2026,a gift,¥10.50\n", currency="cny")
    assert (yuan.amount_minor, yuan.currency) == (1_050, "cny")  # the sign is the yen's too
    [both] = read("Date,Description,Amount,Currency\n11/13/2026,a gift,€10.00,USD\n")
    assert (both.problem, both.words) == (Problem.UNREADABLE, "“€10.00” is no amount in USD.")


def test_what_was_only_tried_or_is_still_to_happen_is_no_money():
    rows = "".join(
        f",{number},2026-11-1{number},Payment,{status},code,Ada,+ $10.00\n"
        for number, status in enumerate(("Complete", "Pending", "Failed", "Issued"))
    )
    found = read(",ID,Datetime,Type,Status,Note,From,Amount (total)\n" + rows)
    assert [row.words for row in found] == ["", "“Pending”: no money moved.", "“Failed”: no money moved.", ""]


def test_amounts_without_a_sign_follow_the_column_that_says_which_way_they_went():
    found = read(
        "Account Number,Transaction Description,Transaction Date,Transaction Type,Transaction Amount,Balance\n"
        "1234,Zelle from Ada,11/13/26,Credit,100,1100\n1234,Rent paid,11/14/26,Debit,500,600\n"
    )
    assert [row.amount_minor for row in found] == [10_000, -50_000]


def test_an_accounts_number_is_not_taken_for_the_amount():
    table = statements.read(b"Account No,Date,Details,Total\n1234,11/13/26,Zelle from Ada,100.00\n")
    assert statements.guess(table).amount == 3
