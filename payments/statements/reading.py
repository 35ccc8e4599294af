"""Any bank's CSV as a table: its encoding, delimiter, header and rows. Pure, and bounded in size.

Banks put their name, the account and the period above the table and totals below it; some print no header at all.
Cells are text and stay text: nothing here is evaluated, and formula characters are kept as they are.
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from core.errors import Invalid
from payments.models.statement import fingerprint_of

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 5_000
MOST_COLUMNS = 60
LONGEST_CELL = 500
_DELIMITERS = ",;\t|"
_SAMPLE = 60
_HEADLINES = re.compile(
    r"date|datum|fecha|posted|amount|betrag|importe|montant|debit|credit|withdraw|deposit|descr|memo|note|payee|name"
    r"|transaction|details|reference|balance|from|type|soll|haben|verwendungszweck",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"^[\s$€£+\-−(]*\d[\d.,/\s:'-]*\)?-?$")
_OTHER_FILES = {
    b"PK\x03\x04": "This is an Excel file. Save it as CSV and choose that file.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel file. Save it as CSV and choose that file.",
    b"%PDF": "This is a PDF. Ask the bank for the same statement as CSV.",
}


class UnreadableFile(Invalid):
    code = "unreadable_file"
    title = "This file cannot be read as a statement."


@dataclass(frozen=True)
class TableRow:
    """`number` is the row's own in the file, from 1, so that people find it again."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`header` names the columns, made up where the bank prints none; `fingerprint` is what it is remembered by."""

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    fingerprint: str

    def column(self, place: int | None) -> list[str]:
        """All that stands in one column; nothing without one."""
        if place is None:
            return []
        return [row.cells[place] for row in self.rows if place < len(row.cells)]


def read(data: bytes) -> Table:
    """The file's table. Raises UnreadableFile, in words for the person who chose the file."""
    if len(data) > MOST_BYTES:
        raise UnreadableFile(
            f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Export a shorter period."
        )
    for start, words in _OTHER_FILES.items():
        if data.startswith(start):
            raise UnreadableFile(words)
    rows = _rows(_decode(data))
    if not rows:
        raise UnreadableFile("The file is empty.")
    width = _width(rows)
    if width < 2:
        raise UnreadableFile(
            "No columns were found: a statement has a date and an amount in each line at least."
        )
    return _table(rows, width=width)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in data[:200]:
        # Without a mark: every second byte of plain text is zero, which tells the order.
        encodings = ["utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.removeprefix("\ufeff")
    raise UnreadableFile("This is no text file. Export the statement as CSV.")


def _rows(text: str) -> list[TableRow]:
    lines = io.StringIO(text, newline="")
    try:
        reader = csv.reader(lines, delimiter=_delimiter(text))
        found = []
        for number, cells in enumerate(reader, start=1):
            if number > MOST_ROWS:
                raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Export a shorter period.")
            if len(cells) > MOST_COLUMNS:
                raise UnreadableFile(f"The file has more than {MOST_COLUMNS} columns.")
            if any(cell.strip() for cell in cells) and not _is_hint(cells):
                found.append(TableRow(number, tuple(_clean(cell) for cell in cells)))
    except csv.Error as error:
        raise UnreadableFile("A row of the file cannot be read. Export it again as CSV.") from error
    return found


def _is_hint(cells: list[str]) -> bool:
    """Excel's own "sep=;" above the table."""
    return len([cell for cell in cells if cell]) == 1 and cells[0].casefold().startswith("sep=")


def _clean(cell: str) -> str:
    printable = "".join(one if one.isprintable() else " " for one in cell)
    return " ".join(printable.split())[:LONGEST_CELL]


def _delimiter(text: str) -> str:
    """The one that cuts most lines into the same number of cells."""
    sample = "\n".join(text.splitlines()[:_SAMPLE])

    def agreement(delimiter: str) -> tuple[int, int]:
        widths = Counter(
            len(cells) for cells in csv.reader(io.StringIO(sample), delimiter=delimiter) if len(cells) > 1
        )
        return max(((rows, width) for width, rows in widths.items()), default=(0, 0))

    return max(_DELIMITERS, key=agreement)


def _width(rows: list[TableRow]) -> int:
    """How many columns the table has: what most rows have, the wider of equals."""
    widths = Counter(len(row.cells) for row in rows)
    return max(widths, key=lambda width: (widths[width], width))


def _table(rows: list[TableRow], *, width: int) -> Table:
    place = next((place for place, row in enumerate(rows) if _is_header(row, width=width)), None)
    if place is None:
        body = [row for row in rows if len(row.cells) == width]
        return Table(
            tuple(f"Column {number}" for number in range(1, width + 1)),
            tuple(body),
            fingerprint_of(["no header", str(width)]),
        )
    header = rows[place].cells
    named = tuple(cell or f"Column {number}" for number, cell in enumerate(header, start=1))
    return Table(named, tuple(rows[place + 1 :]), fingerprint_of(header))


def _is_header(row: TableRow, *, width: int) -> bool:
    cells = [cell for cell in row.cells if cell]
    if len(row.cells) < width - 1 or len(cells) < 2 or any(_FIGURE.match(cell) for cell in cells):
        return False
    return sum(bool(_HEADLINES.search(cell)) for cell in cells) >= 2
