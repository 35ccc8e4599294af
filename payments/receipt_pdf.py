"""The receipt as a PDF, fonts embedded, in the words of the page and the e-mail. Pure: rows in, bytes out."""

from pathlib import Path

from fpdf import FPDF

from core.money import format_minor
from payments.models import Payment, Receipt

FONTS = Path(__file__).parent / "fonts"
INK, QUIET, EMBER, RULE = (38, 33, 30), (112, 103, 96), (178, 74, 34), (222, 214, 204)
LEFT, RIGHT = 22.0, 194.0
WIDTH = RIGHT - LEFT


def render(receipt: Receipt) -> bytes:
    """The PDF of a receipt whose payment belongs to a booking."""
    pdf = _Page(receipt)
    pdf.add_page()
    pdf.head()
    pdf.amount()
    pdf.facts()
    pdf.sums()
    pdf.foot()
    return bytes(pdf.output())


class _Page(FPDF):
    def __init__(self, receipt: Receipt) -> None:
        super().__init__(format="letter")
        self.receipt = receipt
        self.payment: Payment = receipt.payment
        self.merchant = receipt.merchant
        assert receipt.payment.booking is not None
        self.booking = receipt.payment.booking
        self.set_margins(LEFT, 22)
        self.set_auto_page_break(auto=True, margin=20)
        self.set_title(f"Receipt {receipt.label}")
        self.set_author(self.merchant.name)
        self.set_creation_date(receipt.created_at)
        self.set_lang("en")
        self.add_font("Text", "", str(FONTS / "HankenGrotesk-Regular.ttf"))
        self.add_font("Text", "B", str(FONTS / "HankenGrotesk-Bold.ttf"))
        self.add_font("Display", "", str(FONTS / "YoungSerif-Regular.ttf"))

    def head(self) -> None:
        self.set_font("Display", size=19)
        self.set_text_color(*INK)
        self.cell(WIDTH, 9, self.merchant.name, new_x="LMARGIN", new_y="NEXT")
        self._quiet(" · ".join(part for part in (self.merchant.email, self.merchant.phone) if part))
        if self.merchant.address:
            self._quiet(self.merchant.address)
        self.ln(12)

    def amount(self) -> None:
        self._quiet(f"Receipt {self.receipt.label}")
        self.set_font("Display", size=32)
        self.set_text_color(*EMBER)
        self.cell(WIDTH, 16, self._money(self.payment.received_minor), new_x="LMARGIN", new_y="NEXT")
        paid_at = self.booking.local(self.payment.succeeded_at or self.receipt.created_at)
        self._quiet(f"Paid on {paid_at:%B} {paid_at.day}, {paid_at.year}{self._by()}")
        self.ln(8)

    def _by(self) -> str:
        if not self.payment.card_last4:
            return f" by {self.payment.get_method_display().lower()}"
        return f" with {self.payment.card_brand.title()} ending in {self.payment.card_last4}"

    def facts(self) -> None:
        starts = self.booking.local(self.booking.starts_at)
        place = ", ".join(
            part for part in (self.booking.street, self.booking.city, self.booking.postal_code) if part
        )
        guests = f"{self.booking.adults} adults"
        if self.booking.children:
            guests += f", {self.booking.children} children"
        self._row("Booking", self.booking.code)
        self._row("Event", f"{starts:%A}, {starts:%B} {starts.day}, {starts.year}, {starts:%H:%M}")
        self._row("Where", place)
        self._row("Guests", guests)
        self._row("For", self.booking.contact_name)
        self.ln(8)

    def sums(self) -> None:
        payment = self.payment
        name = payment.get_purpose_display() or "Payment"
        if self.booking.agreement.get("fee_presentation") == "surcharge" and payment.received_fee_minor:
            self._row(name, self._money(payment.received_minor - payment.received_fee_minor), right=True)
            self._row("Card fee", self._money(payment.received_fee_minor), right=True)
        else:
            self._row(name, self._money(payment.received_minor), right=True)
        self._row("Paid", self._money(payment.received_minor), right=True, strong=True)
        if payment.credit_minor:
            self._row("Of this, kept as your credit", self._money(payment.credit_minor), right=True)
        if payment.unallocated_minor:
            self._row(
                "Of this, not placed yet: we will write to you",
                self._money(payment.unallocated_minor),
                right=True,
            )

    def foot(self) -> None:
        self.ln(10)
        self._quiet(
            f"Reference {payment_reference(self.payment)}. Questions? Write to {self.merchant.email}."
        )

    def _money(self, minor: int) -> str:
        return format_minor(minor, self.payment.currency, self.merchant.locale)

    def _quiet(self, text: str) -> None:
        self.set_font("Text", size=10)
        self.set_text_color(*QUIET)
        self.multi_cell(WIDTH, 5.5, text, new_x="LMARGIN", new_y="NEXT")

    def _row(self, name: str, value: str, *, right: bool = False, strong: bool = False) -> None:
        self.set_draw_color(*RULE)
        self.line(LEFT, self.get_y(), RIGHT, self.get_y())
        self.set_font("Text", "B" if strong else "", 10.5)
        self.set_text_color(*(INK if strong else QUIET))
        self.cell(110 if right else 40, 9, name)
        self.set_text_color(*INK)
        self.multi_cell(0, 9, value, align="R" if right else "L", new_x="LMARGIN", new_y="NEXT")


def payment_reference(payment: Payment) -> str:
    """What finds the payment again at Stripe: the charge's id, else our own."""
    return payment.stripe_charge_id or str(payment.public_id)
