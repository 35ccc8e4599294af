"""The PDF of a finalized invoice, where `invoice_pdf` leads: plain, in the fonts that every reader has.

Imported when the first one is asked for: the library takes a quarter of a second that a start need not spend.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fpdf import FPDF

from sandbox.money import SYMBOLS, spoken
from sandbox.store import Object

WIDTHS_MM = (86, 18, 38, 38)
INK, QUIET, FAINT = (29, 34, 51), (91, 98, 119), (228, 231, 239)
STATUS = {"open": "Open", "uncollectible": "Open", "paid": "Paid", "void": "Void"}


def render(invoice: Object, *, lines: list[Object], tax_names: dict[str, str]) -> bytes:
    """`lines` are all of the invoice's; `tax_names` says by their ids what the rates are called."""
    document = Document(invoice)
    document.head()
    document.table(lines)
    document.sums(tax_names)
    return bytes(document.pdf.output())


class Document:
    def __init__(self, invoice: Object) -> None:
        self.invoice = invoice
        self.pdf = FPDF(format="letter")
        self.pdf.set_margins(18, 20)
        self.pdf.set_title(f"Invoice {invoice['number']}")
        self.pdf.set_creation_date(_day(invoice["status_transitions"]["finalized_at"]))
        self.pdf.add_page()

    def head(self) -> None:
        invoice = self.invoice
        self._say("Invoice", size=24, bold=True)
        self._say(f"{invoice['number']}, {STATUS[invoice['status']].lower()}", color=QUIET)
        self.pdf.ln(6)
        self._say(invoice["account_name"], size=12, bold=True)
        buyer = [invoice["customer_name"], invoice["customer_email"]]
        self._say("Bill to " + ", ".join(part for part in buyer if part), color=QUIET)
        self._say(f"Issued {_day(invoice['status_transitions']['finalized_at']):%d %B %Y}", color=QUIET)
        if invoice["due_date"]:
            self._say(f"Due {_day(invoice['due_date']):%d %B %Y}", color=QUIET)
        if invoice["description"]:
            self.pdf.ln(2)
            self._say(invoice["description"])
        self.pdf.ln(6)

    def table(self, lines: list[Object]) -> None:
        self._row(("Description", "Qty", "Unit price", "Amount"), color=QUIET)
        self._rule()
        for line in lines:
            unit = self._money(int(line["pricing"]["unit_amount_decimal"]))
            amount = self._money(line["amount"])
            self._row((line["description"] or "Item", str(line["quantity"]), unit, amount))
        self._rule()

    def sums(self, tax_names: dict[str, str]) -> None:
        invoice = self.invoice
        self._row(("", "", "Subtotal", self._money(invoice["subtotal"])))
        for tax in invoice["total_taxes"]:
            name = tax_names[tax["tax_rate_details"]["tax_rate"]]
            self._row(("", "", name, self._money(tax["amount"])))
        self._row(("", "", "Total", self._money(invoice["total"])))
        self._row(("", "", "Amount due", self._money(invoice["amount_remaining"])), bold=True)
        if invoice["footer"]:
            self.pdf.ln(8)
            self._say(invoice["footer"], color=QUIET)

    def _say(
        self, text: str, *, size: int = 10, bold: bool = False, color: tuple[int, int, int] = INK
    ) -> None:
        self._ink(size=size, bold=bold, color=color)
        self.pdf.multi_cell(0, size * 0.52, _latin(text), new_x="LMARGIN", new_y="NEXT")

    def _row(self, cells: tuple[str, ...], *, bold: bool = False, color: tuple[int, int, int] = INK) -> None:
        self._ink(size=10, bold=bold, color=color)
        for index, (text, width) in enumerate(zip(cells, WIDTHS_MM, strict=True)):
            self.pdf.cell(width, 7.5, _fitting(self.pdf, _latin(text), width), align="R" if index else "L")
        self.pdf.ln()

    def _rule(self) -> None:
        self.pdf.set_draw_color(*FAINT)
        height = self.pdf.get_y() + 1
        self.pdf.line(self.pdf.l_margin, height, self.pdf.w - self.pdf.r_margin, height)
        self.pdf.ln(2)

    def _ink(self, *, size: int, bold: bool, color: tuple[int, int, int]) -> None:
        self.pdf.set_font("Helvetica", "B" if bold else "", size)
        self.pdf.set_text_color(*color)

    def _money(self, minor: int) -> str:
        currency = self.invoice["currency"]
        return (
            f"{spoken(minor, currency=currency).removeprefix(SYMBOLS.get(currency, ''))} {currency.upper()}"
        )


def _day(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _latin(text: str) -> str:
    """The standard fonts know Latin letters only."""
    return text.replace("—", "-").replace("–", "-").encode("latin-1", "replace").decode("latin-1")


def _fitting(pdf: FPDF, text: str, width_mm: float) -> str:
    while len(text) > 1 and pdf.get_string_width(text) > width_mm - 3:
        text = text[:-1]
    return text
