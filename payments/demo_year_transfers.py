"""The year's transfers: by Zelle and Venmo, claimed and found; seen on the bank's weekly file alone; sent back by hand.

Through the use cases that the pay page and staff use; each looks first at what an earlier run did. Called by demo_fates
and demo_year.
"""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User

from bookings.models import Booking, BookingState
from core import clock
from customers.models import Merchant, PaymentMethod
from payments import credit, demo_statement, demo_transfers, dues, errors, manual, refunds, statements
from payments.models import (
    Claim,
    ClaimState,
    LineState,
    Payment,
    Refund,
    RefundRoute,
    RefundState,
    StatementImport,
    Transfer,
)

MARK = "DEMO YEAR"
FIRST, REST = 1, 2
PAYABLE = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)
GRANTED_MINOR = 12_000
FEE_MINOR, FOREIGN_MINOR = -1_500, 8_000
FOREIGN_EVERY_WEEKS = 9


@dataclass(frozen=True)
class Transfers:
    """What customers say they sent, and what `staff` find."""

    merchant: Merchant
    staff: User

    def send(self, booking: Booking, *, method: str, number: int) -> None:
        """What is due next: sent, said, and found. The same `number` again sends nothing."""
        reference = f"{MARK} {booking.code} {number}"
        if Transfer.objects.filter(merchant=self.merchant, reference=reference).exists():
            return
        if (said := self._say(booking, method=method)) is not None:
            payment = Payment.objects.get(pk=said.payment_id)
            manual.confirm(
                said,
                amount_minor=payment.total_minor,
                received_on=said.sent_on,
                by=self.staff,
                reference=reference,
            )

    def say_only(self, booking: Booking) -> None:
        """Said to be sent; staff look for it, and it is nowhere."""
        if booking.state == BookingState.HELD and (said := self._say(booking, method=PaymentMethod.ZELLE)):
            manual.reject(said, reason="No transfer of that name and amount has arrived.", by=self.staff)

    def _say(self, booking: Booking, *, method: str) -> Claim | None:
        if booking.state not in PAYABLE:
            return None
        mine = Claim.objects.filter(payment__booking=booking)
        if said := mine.filter(state=ClaimState.OPEN).first():
            return said
        if mine.filter(state=ClaimState.REJECTED).exists():
            return None
        try:
            payment = manual.start(booking, method=method, actor="customer")
        except (errors.AlreadyPaid, errors.HoldEnded):
            return None
        today = clock.today(self.merchant.timezone)
        return manual.claim(payment, sender_name=booking.contact_name, sent_on=today, actor="customer")

    def bring(self, booking: Booking, *, method: str) -> None:
        """The rest, brought by hand: a check, or cash."""
        if booking.state in PAYABLE and _open_minor(booking):
            demo_transfers.receive(booking, method=method, staff=self.staff, number=REST)

    def send_unsaid(self, booking: Booking) -> None:
        """The rest by Zelle without a word: the bank's file of that day shows it, with the booking's code."""
        today, minor = clock.today(self.merchant.timezone), _open_minor(booking)
        file_name = f"demonstration-{booking.code}.csv"
        if booking.state == BookingState.CONFIRMED and minor:
            words = f"ZELLE FROM {booking.contact_name.upper()} {booking.code}"
            lines = [demo_statement.line(today, words, minor, f"{MARK} {booking.code} {REST}")]
            demo_statement.bring(self.merchant, lines, file_name=file_name, by=self.staff)

    def give_goodwill(self, booking: Booking) -> None:
        """Credit for something that went wrong last time, spent on what is due."""
        credit.grant(
            customer=booking.customer,
            amount_minor=GRANTED_MINOR,
            currency=booking.currency,
            reason="The chef came late last time",
            granted_by=self.staff,
            request_key=f"demo:{booking.public_id}",
        )
        spend(booking)

    def bring_weeks_file(self, day: date, *, week: int) -> None:
        """What was found since the last one, the bank's fee once a month, and now and then money that is nobody's."""
        found = Transfer.objects.filter(
            merchant=self.merchant,
            method=PaymentMethod.ZELLE,
            statement_line=None,
            reference__startswith=MARK,
            received_on__lte=day,
        )
        lines = []
        for row in found.order_by("pk"):
            code = row.reference.removeprefix(MARK).split()[0]
            words = f"ZELLE FROM {row.sender_name.upper()} {code}"
            lines.append(demo_statement.line(row.received_on, words, row.amount_minor, row.reference))
        if week % 4 == 0:
            lines.append(demo_statement.line(day, "MONTHLY SERVICE FEE", FEE_MINOR, f"FEE {day}"))
        if week % FOREIGN_EVERY_WEEKS == 0:
            words = "ZELLE FROM SOMEBODY PLACEHOLDER THANKS"
            lines.append(demo_statement.line(day, words, FOREIGN_MINOR, f"FOREIGN {day}"))
        name = f"demonstration-week-{day}.csv"
        if lines and (brought := demo_statement.bring(self.merchant, lines, file_name=name, by=self.staff)):
            self._match_recorded(brought)
            demo_statement.ignore_fees(brought, by=self.staff)

    def _match_recorded(self, brought: StatementImport) -> None:
        """What was left to a person: the bank's reference is the one that was noted when the money was found."""
        for line in brought.lines.filter(state=LineState.UNMATCHED, reference__startswith=MARK):
            noted = Transfer.objects.filter(
                merchant=self.merchant, reference=line.reference, statement_line=None, reversed_at=None
            )
            if rows := list(noted):
                statements.match_recorded(line, transfers=rows, by=self.staff, reason="The reference agrees")

    def send_back(self) -> None:
        """What is to go back by hand goes, and its reference is typed."""
        waiting = Refund.objects.filter(
            payment__merchant=self.merchant, route=RefundRoute.MANUAL, state=RefundState.APPROVED
        )
        for refund in waiting.select_related("payment__merchant").order_by("pk"):
            today = clock.today(self.merchant.timezone)
            refunds.record_sent(refund, by=self.staff, reference=f"{MARK} BACK {refund.pk}", sent_on=today)


def spend(booking: Booking) -> None:
    """What the customer has of credit goes to what is due next, as by their click."""
    if booking.state in PAYABLE and (found := credit.spendable(booking)):
        credit.spend(booking=booking, purpose=found.instalment.purpose, actor="customer")


def _open_minor(booking: Booking) -> int:
    try:
        return dues.next_due(booking).amount_minor
    except errors.AlreadyPaid:
        return 0
