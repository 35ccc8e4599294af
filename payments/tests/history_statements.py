"""A bank statement is brought in, again and overlapping, and its lines are decided and undone."""

from core import clock
from payments import matching, statements
from payments.models import Refund, RefundRoute, RefundState, StatementLine, Transfer
from payments.tests.history_world import World, percent_of, pick


def brings_a_statement(world: World, a: int, b: int, c: int) -> None:
    """Two lines for a booking, equal ones at times, one of nobody, one going out; what is certain is taken."""
    booking = world.booking(a)
    if booking is None:
        return
    owed = next((part.open_minor for part in booking.instalments.all() if part.open_minor), 5_000)
    recorded = pick(Transfer.objects.filter(reversed_at__isnull=True, statement_line=None).order_by("pk"), b)
    sent = pick(
        Refund.objects.filter(route=RefundRoute.MANUAL, state=RefundState.SUCCEEDED).order_by("pk"), b
    )
    rows = [
        (f"dinner {booking.code}", percent_of(owed, b)),
        (f"dinner {booking.code}" if c % 2 else "somebody", percent_of(owed, b)),
        ("proof", recorded.amount_minor if recorded else 1_234),
        ("going out", -sent.total_minor if sent else -777),
    ]
    _bring(world, rows[: 1 + c % len(rows)], take_certain=c % 3 == 0)


def _bring(world: World, rows: list[tuple[str, int]], *, take_certain: bool) -> None:
    today = clock.today(world.shop.merchant.timezone)
    text = "".join(f"{today:%Y-%m-%d},{words},{minor / 100:.2f}\n" for words, minor in rows)
    data = f"Date,Description,Amount\n{text}".encode()
    table = statements.read(data)
    columns = statements.from_json({**statements.guess(table).as_json(), "method": "zelle"})
    for _ in range(2):  # brought twice: once is enough
        stored = statements.store(
            world.shop.merchant,
            table,
            columns=columns,
            account="Checking",
            file_name="bank.csv",
            data=data,
            by=world.asking,
        )
        if take_certain and stored.statement is not None:
            statements.take_certain(stored.statement, by=world.asking)


def decides_a_line(world: World, a: int, b: int, c: int) -> None:
    """Matched as suggested, booked, ignored, put on the desk, or matched with what was sent."""
    line = pick(StatementLine.objects.order_by("pk"), a)
    booking = world.booking(b)
    if line is None or booking is None:
        return
    line.merchant = world.shop.merchant
    if c % 5 == 0 and (best := matching.suggest([line])[0].best):
        statements.match(line, to=best, by=world.asking)
    elif c % 5 in (0, 1) and line.amount_minor > 0:
        statements.book(line, to=booking, by=world.asking)
    elif c % 5 == 2:
        statements.ignore(line, by=world.asking, reason="the till's float")
    elif c % 5 == 3:
        statements.to_desk(line, by=world.asking, reason="whose is it?")
    elif sent := statements.sent_candidates(line):
        statements.match_sent(line, refund=sent[0], by=world.asking)
    elif recorded := Transfer.objects.filter(amount_minor=line.amount_minor, statement_line=None).first():
        statements.match_recorded(line, transfers=[recorded], by=world.asking)


def undoes_a_line(world: World, a: int, b: int, c: int) -> None:
    """The match alone was wrong, or the booking too."""
    if line := pick(StatementLine.objects.exclude(state="unmatched").order_by("pk"), a):
        line.merchant = world.shop.merchant
        statements.undo(line, by=world.asking, reason="wrong line", take_back=bool(c % 2))
