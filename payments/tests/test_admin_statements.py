"""Staff bring a statement to the console, look, import and decide; a row that is not theirs is not there."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.tests.factories import MerchantFactory, SlotFactory, TaxRateFactory, booked
from core import clock
from customers.models import Role
from payments import refunds
from payments.models import LineState, Payment, StatementImport, StatementLine, Transfer
from payments.tests.console_world import add_staff

pytestmark = pytest.mark.django_db
UPLOAD = "/admin/payments/statementimport/upload/"
TODAY = clock.today("America/Los_Angeles")


@pytest.fixture(autouse=True)
def _private(settings, tmp_path):
    settings.PRIVATE_MEDIA_ROOT = tmp_path
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def merchant():
    made = MerchantFactory.create(is_default=True, zelle_contact="pay@ember.example")
    TaxRateFactory.create(merchant=made)
    made.menus.create(name="Hibachi", adult_price_minor=10_000, child_price_minor=5_000)
    return made


def staff(merchant, role):
    client = Client()
    client.force_login(add_staff(merchant, role=role, username=f"{merchant.slug}-{role}"))
    return client


def book(merchant):
    slot = SlotFactory.create(merchant=merchant, starts_at=clock.now() + timedelta(days=30))
    return booked(merchant=merchant, slot=slot, adults=10, children=0)


def file(*rows, header="Date,Description,Amount"):
    lines = [header, *(f'{TODAY:%Y-%m-%d},"{text}",{amount}' for text, amount in rows)]
    return SimpleUploadedFile("march.csv", "\n".join(lines).encode(), content_type="text/csv")


def sent(page):
    """What the preview's form would send, as it stands."""
    form, values = page.context["form"], {}
    for name, field in form.fields.items():
        value = form[name].value()
        values[name] = "" if value is None or value is False else value
        assert field is not None
    return {**values, "token": page.context["token"], "shown": page.context["shown"], "account": ""}


def bring(client, statement, **more):
    page = client.post(UPLOAD, {"file": statement})
    looked = client.post(UPLOAD, sent(page))
    return client.post(UPLOAD, {**sent(looked), "_import": "1", **more}, follow=True)


def test_a_file_is_looked_at_imported_matched_and_undone_at_the_console(merchant):
    clerk, manager = staff(merchant, Role.CLERK), staff(merchant, Role.MANAGER)
    ada = book(merchant)
    page = clerk.post(UPLOAD, {"file": file((ada.code, "100.00"), ("who", "5.00"), ("zero", "0.00"))})
    assert not StatementImport.objects.exists()
    assert "No doubt" in page.text
    assert "An amount of zero: nothing moved." in page.text
    changed = clerk.post(UPLOAD, {**sent(page), "flipped": "on", "_import": "1"})
    assert "You changed how the file is read" in changed.text
    assert not StatementImport.objects.exists()
    done = clerk.post(UPLOAD, {**sent(page), "_import": "1", "match_certain": "1"}, follow=True)
    assert "2 lines imported. 1 matched." in done.text
    gone = clerk.post(UPLOAD, {**sent(page), "_import": "1"}, follow=True)
    assert "no longer here" in gone.text
    matched, strange = StatementLine.objects.order_by("position")
    assert (matched.state, strange.state) == (LineState.MATCHED, LineState.UNMATCHED)
    again = bring(clerk, file((ada.code, "100.00"), ("who", "5.00")))
    assert "nothing new" in again.text.lower()

    def decide(client, line, **body):
        return client.post(f"/admin/payments/statementline/{line.pk}/decide/", body)

    assert decide(clerk, matched, action="undo", reason="wrong").status_code == 409
    assert decide(clerk, matched, action="nonsense").status_code == 422
    assert decide(clerk, strange, action="match", target="code:", code="A\x00").status_code == 409
    assert decide(clerk, strange, action="ignore", reason="\x00").status_code == 409
    assert clerk.get(f"/admin/payments/statementline/{strange.pk}/decide/?q=a%00b").status_code == 400
    assert clerk.get("/admin/payments/statementline/?state__exact=%00").status_code == 400
    assert decide(manager, matched, action="undo", reason="").status_code == 409
    matched.refresh_from_db()
    assert matched.state == LineState.MATCHED
    assert decide(manager, matched, action="undo", reason="wrong", take_back="1").status_code == 302
    assert Transfer.objects.get().is_reversed
    assert decide(clerk, matched, action="split", part_code=ada.code, part_amount="100.00").status_code == 302
    elsewhere = decide(
        clerk, strange, action="ignore", reason="the owner's own", back="https://evil.example/"
    )
    assert elsewhere.url == f"/admin/payments/statementimport/{strange.statement_id}/change/"
    strange.refresh_from_db()
    assert (strange.state, strange.ignored_reason) == (LineState.IGNORED, "the owner's own")
    assert decide(clerk, strange, action="undo", reason="after all").status_code == 302
    assert decide(clerk, strange, action="desk", reason="who?").status_code == 302
    found = clerk.get(f"/admin/payments/statementline/{strange.pk}/decide/")
    assert "On the desk" in found.text


def test_what_went_out_is_ignored_at_once_but_for_what_could_be_a_refund(merchant):
    clerk = staff(merchant, Role.CLERK)
    ada = book(merchant)
    bring(clerk, file(("rent", "-900.00"), (ada.code, "100.00"), ("to Ada", "-40.00"), ("fee", "-15.00")))
    statement = StatementImport.objects.get()
    lines_page = f"/admin/payments/statementimport/{statement.pk}/change/"
    line = statement.lines.get(amount_minor=10_000)
    clerk.post(
        f"/admin/payments/statementline/{line.pk}/decide/", {"action": "match", "target": f"booking:{ada.pk}"}
    )
    refunds.request(
        payment=Payment.objects.get(), amount_minor=4_000, cause="price_reduction", reason="x", requested_by=None,
        actor="t",
    )  # fmt: skip
    assert "2 lines of money that went out" in clerk.get(lines_page).text
    assert "Say why" in clerk.post(lines_page, {"_went_out": "1", "reason": " "}, follow=True).text
    assert statement.lines.filter(state=LineState.UNMATCHED).count() == 3
    done = clerk.post(lines_page, {"_went_out": "1", "reason": "not of bookings"}, follow=True)
    assert "2 lines ignored" in done.text
    assert "of money that went out" not in done.text
    assert [(one.amount_minor, one.state) for one in statement.lines.order_by("position")] == [
        (-90_000, "ignored"), (10_000, "matched"), (-4_000, "unmatched"), (-1_500, "ignored"),
    ]  # fmt: skip
    nothing = bring(clerk, SimpleUploadedFile("b.csv", b"Date,Description,Amount\n2026-01-02,x,0.00\n"))
    assert "no row is a line of money" in nothing.text


def test_what_is_unsure_is_asked_on_the_page_and_a_file_that_is_none_is_refused_there(merchant):
    clerk = staff(merchant, Role.CLERK)
    american = SimpleUploadedFile("a.csv", b"Date,Description,Amount\n03/04/2026,x,5.00\n")
    page = clerk.post(UPLOAD, {"file": american})
    assert "begin with the month or with the day?" in page.text
    assert page.context["look"] is None
    assert clerk.post(UPLOAD, {**sent(page), "_import": "1"}).context["look"] is None
    looked = clerk.post(UPLOAD, {**sent(page), "order": "dmy"})
    assert "3 Apr 2026" in looked.text
    excel = SimpleUploadedFile("a.xlsx", b"PK\x03\x04")
    assert "This is an Excel file" in clerk.post(UPLOAD, {"file": excel}).text
    assert not StatementImport.objects.exists()


def test_only_who_may_sees_brings_and_decides_and_another_merchants_rows_are_not_there(merchant):
    clerk, viewer = staff(merchant, Role.CLERK), staff(merchant, Role.VIEWER)
    bring(clerk, file(("=HYPERLINK(1) <b>x</b>", "5.00")))
    [line] = StatementLine.objects.all()
    lines_page = f"/admin/payments/statementimport/{line.statement_id}/change/"
    shown = viewer.get(lines_page)
    assert "=HYPERLINK(1) &lt;b&gt;x&lt;/b&gt;" in shown.text
    assert "decide" not in shown.text.split("ts-lines")[1].lower()
    assert viewer.post(lines_page).status_code == 403
    assert viewer.get(UPLOAD).status_code == 403
    rival = staff(MerchantFactory.create(), Role.OWNER)
    assert rival.get(lines_page).status_code == 404
    decide = f"/admin/payments/statementline/{line.pk}/decide/"
    for other in (viewer, rival):
        assert other.post(decide, {"action": "ignore", "reason": "mine"}).status_code == 403
    page = clerk.post(UPLOAD, {"file": file(("x", "1.00"))})
    assert "no longer here" in rival.post(UPLOAD, {**sent(page), "_import": "1"}, follow=True).text
    line.refresh_from_db()
    assert line.state == LineState.UNMATCHED


def test_a_page_of_lines_costs_as_many_statements_for_forty_as_for_two(merchant):
    clerk = staff(merchant, Role.CLERK)
    counts = []
    for number in (2, 40):
        ada = book(merchant)
        rows = [(f"{ada.code} {number} {each}", "7.00") for each in range(number)]
        bring(clerk, file(*rows))
        page = f"/admin/payments/statementimport/{StatementImport.objects.latest('pk').pk}/change/"
        clerk.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert clerk.get(page).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_what_a_wrong_mapping_left_open_is_ignored_at_once_by_those_who_may_decide(merchant):
    clerk, viewer = staff(merchant, Role.CLERK), staff(merchant, Role.VIEWER)
    ada = book(merchant)
    bring(clerk, file(("who", "900.00"), (ada.code, "100.00"), ("rent", "-40.00")), match_certain="1")
    statement = StatementImport.objects.get()
    lines_page = f"/admin/payments/statementimport/{statement.pk}/change/"
    assert "Ignore all that is still open of this import" in clerk.get(lines_page).text
    assert "Ignore all that is still open" not in viewer.get(lines_page).text
    assert viewer.post(lines_page, {"_open": "1", "reason": "no"}).status_code == 403
    assert "Say why" in clerk.post(lines_page, {"_open": "1", "reason": " "}, follow=True).text
    assert statement.lines.filter(state=LineState.UNMATCHED).count() == 2
    for words in ("2 lines ignored", "0 lines ignored"):
        done = clerk.post(lines_page, {"_open": "1", "reason": "the wrong column"}, follow=True)
        assert words in done.text
    assert [(one.state, one.ignored_reason) for one in statement.lines.order_by("position")] == [
        ("ignored", "the wrong column"), ("matched", ""), ("ignored", "the wrong column"),
    ]  # fmt: skip
    one = statement.lines.order_by("position")[0]
    decide = f"/admin/payments/statementline/{one.pk}/decide/"
    assert clerk.post(decide, {"action": "undo", "reason": "it was right"}).status_code == 302
    one.refresh_from_db()
    assert one.state == LineState.UNMATCHED
