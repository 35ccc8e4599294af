"""A merchant's letter paper: head, facts, sums, fonts embedded. Receipts and credit notes are written on it. Pure."""

from pathlib import Path

from fpdf import FPDF

from bookings.models import Booking
from bookings.page_words import full_day, guests_label
from core.money import format_minor
from customers.models import Merchant
from payments.models import Document

FONTS = Path(__file__).parent / "fonts"
INK, QUIET, EMBER, RULE = (38, 33, 30), (112, 103, 96), (178, 74, 34), (222, 214, 204)
LEFT, RIGHT = 22.0, 194.0
WIDTH = RIGHT - LEFT


class Paper(FPDF):
    def __init__(
        self, document: Document, *, name: str, merchant: Merchant, booking: Booking, currency: str
    ) -> None:
        super().__init__(format="letter")
        self.merchant, self.booking, self.currency = merchant, booking, currency
        self.name = f"{name} {document.label}"
        self.set_margins(LEFT, 22)
        self.set_auto_page_break(auto=True, margin=20)
        self.set_title(self.name)
        self.set_author(merchant.name)
        self.set_creation_date(document.created_at)
        self.set_lang("en")
        self.add_font("Text", "", str(FONTS / "HankenGrotesk-Regular.ttf"))
        self.add_font("Text", "B", str(FONTS / "HankenGrotesk-Bold.ttf"))
        self.add_font("Display", "", str(FONTS / "YoungSerif-Regular.ttf"))
        self.add_page()

    def head(self) -> None:
        """Who writes."""
        self.set_font("Display", size=19)
        self.set_text_color(*INK)
        self.cell(WIDTH, 9, self.merchant.name, new_x="LMARGIN", new_y="NEXT")
        self.quiet(" · ".join(part for part in (self.merchant.email, self.merchant.phone) if part))
        if self.merchant.address:
            self.quiet(self.merchant.address)
        self.ln(12)

    def amount(self, minor: int, *, words: str) -> None:
        """What the paper is about, large, with one line below it."""
        self.quiet(self.name)
        self.set_font("Display", size=32)
        self.set_text_color(*EMBER)
        self.cell(WIDTH, 16, self.money(minor), new_x="LMARGIN", new_y="NEXT")
        self.quiet(words)
        self.ln(8)

    def facts(self) -> None:
        """Which booking, of whom."""
        starts = self.booking.local(self.booking.starts_at)
        town = " ".join(part for part in (self.booking.region, self.booking.postal_code) if part)
        place = ", ".join(part for part in (self.booking.street, self.booking.city, town) if part)
        self.row("Booking", self.booking.code)
        self.row("Event", f"{starts:%A}, {full_day(starts.date())}, {starts:%-I:%M %p}")
        self.row("Where", place)
        self.row("Guests", guests_label(self.booking))
        self.row("For", self.booking.contact_name)
        self.ln(8)

    def foot(self, words: str) -> None:
        self.ln(10)
        self.quiet(words)

    def money(self, minor: int) -> str:
        return format_minor(minor, self.currency, self.merchant.locale)

    def quiet(self, text: str) -> None:
        self.set_font("Text", size=10)
        self.set_text_color(*QUIET)
        self.multi_cell(WIDTH, 5.5, text, new_x="LMARGIN", new_y="NEXT")

    def sum(self, name: str, minor: int, *, strong: bool = False) -> None:
        self.row(name, self.money(minor), right=True, strong=strong)

    def row(self, name: str, value: str, *, right: bool = False, strong: bool = False) -> None:
        self.set_draw_color(*RULE)
        self.line(LEFT, self.get_y(), RIGHT, self.get_y())
        self.set_font("Text", "B" if strong else "", 10.5)
        self.set_text_color(*(INK if strong else QUIET))
        self.cell(110 if right else 40, 9, name)
        self.set_text_color(*INK)
        self.multi_cell(0, 9, value, align="R" if right else "L", new_x="LMARGIN", new_y="NEXT")
