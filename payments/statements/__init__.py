"""Bank and Venmo statements: a file becomes lines, and every line ends matched, ignored with a reason, or on the desk.

`read` turns bytes into a table, `guess` and `remembered` say which column is what, `look` shows what an import would
do and stores nothing, `store` stores the lines that are new. `match_*`, `ignore`, `to_desk` and `undo` decide about one
line each, once, under its lock. A line that explains money moves it from clearing to bank, or back when undone.

Called by the console and the API. Lock order: StatementLine first, then whatever `payments.manual` locks.
"""

from payments.statements.amounts import DECIMALS
from payments.statements.columns import (
    LABELS,
    PLACES,
    Columns,
    Question,
    from_json,
    guess,
    questions,
    remember,
    remembered,
    with_reading,
)
from payments.statements.dates import ORDERS
from payments.statements.deciding import (
    book,
    decided,
    found_home,
    ignore,
    lock_of,
    match,
    match_recorded,
    match_sent,
    sent_candidates,
    split,
    to_desk,
    undo,
    usual_method,
)
from payments.statements.importing import (
    Look,
    LookRow,
    Standing,
    Stored,
    ignore_open,
    ignore_went_out,
    look,
    store,
    take_certain,
    went_out,
)
from payments.statements.reading import MOST_BYTES, Table, UnreadableFile, read
from payments.statements.shelf import FileGone, clear, keep, remove, taken

__all__ = [
    "DECIMALS",
    "LABELS",
    "MOST_BYTES",
    "ORDERS",
    "PLACES",
    "Columns",
    "FileGone",
    "Look",
    "LookRow",
    "Question",
    "Standing",
    "Stored",
    "Table",
    "UnreadableFile",
    "book",
    "clear",
    "decided",
    "found_home",
    "from_json",
    "guess",
    "ignore",
    "ignore_open",
    "ignore_went_out",
    "keep",
    "lock_of",
    "look",
    "match",
    "match_recorded",
    "match_sent",
    "questions",
    "read",
    "remember",
    "remembered",
    "remove",
    "sent_candidates",
    "split",
    "store",
    "take_certain",
    "taken",
    "to_desk",
    "undo",
    "usual_method",
    "went_out",
    "with_reading",
]
