"""The demonstration's guests who pay by Zelle, Venmo, cash or credit, and the bank's statement that shows some of it.

Through the use cases that the pay page and staff use; each story looks first at what an earlier run did. Called by
demo_bookings alone.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from bookings.models import Booking, Instalment
from core import clock
from customers.models import Merchant, PaymentMethod
from payments import credit, demo_statement, dues, manual, proofs
from payments.demo_cast import Guest, Story
from payments.models import Claim, ClaimState, Payment, StatementImport, Transfer

SHORT_MINOR, SURPLUS_MINOR = 4_000, 5_000
GRANTED_MINOR = 15_000
FILE_NAME = "demonstration-bank.csv"


@dataclass(frozen=True)
class Transfers:
    """What customers say they sent, and what `staff` find."""

    merchant: Merchant
    staff: User

    def found(self, booking: Booking, guest: Guest) -> None:
        self._confirm(self._say(booking, method=PaymentMethod.ZELLE))

    def found_with_fee(self, booking: Booking, guest: Guest) -> None:
        self._confirm(self._say(booking, method=PaymentMethod.VENMO))

    def waits(self, booking: Booking, guest: Guest) -> None:
        proof = proofs.read(SimpleUploadedFile("transfer.png", _screenshot(booking)))
        self._say(booking, method=PaymentMethod.ZELLE, proof=proof)

    def is_not_found(self, booking: Booking, guest: Guest) -> None:
        said = self._say(booking, method=PaymentMethod.ZELLE)
        if said.state == ClaimState.OPEN:
            manual.reject(said, reason="No transfer of that name and amount has arrived.", by=self.staff)

    def sends_too_little(self, booking: Booking, guest: Guest) -> None:
        self._confirm(self._say(booking, method=PaymentMethod.ZELLE), more_minor=-SHORT_MINOR)

    def sends_too_much(self, booking: Booking, guest: Guest) -> None:
        self._confirm(self._say(booking, method=PaymentMethod.ZELLE), more_minor=SURPLUS_MINOR)

    def brings_cash(self, booking: Booking, guest: Guest) -> None:
        receive(booking, method=PaymentMethod.CASH, staff=self.staff)

    def spends_credit(self, booking: Booking, guest: Guest) -> None:
        credit.grant(
            customer=booking.customer,
            amount_minor=GRANTED_MINOR,
            currency=booking.currency,
            reason="The chef came late last time",
            granted_by=self.staff,
            request_key=f"demo:{booking.public_id}",
        )
        deposit = booking.instalments.earliest("position")
        if deposit.open_minor:
            credit.spend(booking=booking, purpose=deposit.purpose, actor="customer")

    def _say(self, booking: Booking, *, method: str, proof: proofs.Proof | None = None) -> Claim:
        said = Claim.objects.filter(payment__booking=booking).first()
        if said is not None:
            return said
        payment = manual.start(booking, method=method, actor="customer")
        today = clock.today(self.merchant.timezone)
        return manual.claim(
            payment, sender_name=booking.contact_name, sent_on=today, actor="customer", proof=proof
        )

    def _confirm(self, said: Claim, *, more_minor: int = 0) -> None:
        if said.state != ClaimState.OPEN:
            return
        payment = Payment.objects.select_related("booking").get(pk=said.payment_id)
        assert payment.booking is not None
        manual.confirm(
            said,
            amount_minor=payment.total_minor + more_minor,
            received_on=said.sent_on,
            by=self.staff,
            reference=f"DEMO {payment.booking.code}",
        )

    # The bank's statement ------------------------------------------------------------------------------

    def import_statement(self) -> None:
        """One file: transfers that were recorded, one that nobody said, one that is nobody's, and a fee."""
        if StatementImport.objects.filter(merchant=self.merchant, file_name=FILE_NAME).exists():
            return
        demo_statement.bring(self.merchant, self._statement(), file_name=FILE_NAME, by=self.staff)

    def _statement(self) -> list[str]:
        today = clock.today(self.merchant.timezone)
        zelle = Transfer.objects.filter(merchant=self.merchant, method=PaymentMethod.ZELLE)
        lines = []
        for transfer in zelle.filter(statement_line=None, reference__startswith="DEMO").order_by("pk")[:3]:
            name, code = transfer.sender_name.upper(), transfer.reference.removeprefix("DEMO ")
            words = f"ZELLE FROM {name} {code}"
            lines.append(demo_statement.line(today, words, transfer.amount_minor, transfer.reference))
        due = Instalment.objects.filter(
            booking__merchant=self.merchant, booking__state="confirmed", paid_minor=0
        )
        if part := due.select_related("booking").order_by("pk").first():
            words = f"ZELLE FROM {part.booking.contact_name.upper()}"
            lines.append(demo_statement.line(today, words, part.amount_minor, f"DEMO-B-{part.booking.pk}"))
        foreign = "ZELLE FROM SOMEBODY PLACEHOLDER THANKS"
        lines.append(demo_statement.line(today, foreign, 7_500, "DEMO-FOREIGN"))
        lines.append(demo_statement.line(today, "MONTHLY SERVICE FEE", -1_500, "DEMO-FEE"))
        return lines


def receive(booking: Booking, *, method: str, staff: User, number: int = 1) -> None:
    """What is due next, brought by hand; the same `number` again brings nothing."""
    key = f"demo:{booking.public_id}:{number}"
    if Transfer.objects.filter(merchant=booking.merchant, request_key=key).exists():
        return
    found = manual.Found(
        merchant=booking.merchant,
        method=method,
        amount_minor=dues.next_due(booking, purpose="").amount_minor,
        currency=booking.currency,
        received_on=clock.today(booking.merchant.timezone),
        by=staff,
        sender_name=booking.contact_name,
        request_key=key,
    )
    manual.record(found, booking=booking)


def _screenshot(booking: Booking) -> bytes:
    picture = Image.new("RGB", (480, 480), "white")
    words = f"Zelle\nSent\n\n{booking.contact_name}\n{booking.code}\n\nDemonstration"
    pen = ImageDraw.Draw(picture)
    pen.multiline_text((240, 240), words, fill="black", font_size=44, anchor="mm", align="center")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


STORIES: dict[Story, Callable[[Transfers, Booking, Guest], None]] = {
    Story.ZELLE: Transfers.found,
    Story.VENMO: Transfers.found_with_fee,
    Story.ZELLE_WAITS: Transfers.waits,
    Story.ZELLE_REJECTED: Transfers.is_not_found,
    Story.ZELLE_SHORT: Transfers.sends_too_little,
    Story.ZELLE_SURPLUS: Transfers.sends_too_much,
    Story.CASH: Transfers.brings_cash,
    Story.CREDIT: Transfers.spends_credit,
}
