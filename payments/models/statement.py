"""A bank's or Venmo's statement as it was imported: what the merchant's account really received and sent.

How it is used: a file's header is looked up by `fingerprint_of` among the merchant's StatementMappings (columns are
mapped once and remembered); the file becomes one StatementImport with its StatementLines. A line that explains money
becomes `matched`: each Transfer that it proves points to it (`Transfer.statement_line`), and the ledger moves that
money from clearing to bank, once per line. Undoing a match: the posting to bank is reversed, the line is `unmatched`
again, and, when the transfer itself was wrong, `payments.manual.reverse` takes it back.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.public_ids import PublicIdModel
from core.states import StateChange, StatefulModel, choices_constraint
from customers.models import Merchant


def fingerprint_of(values: Iterable[str]) -> str:
    """What a list of texts comes down to, whatever its case and spaces: a header's, or a line's, identity."""
    folded = "\x1f".join(" ".join(value.split()).casefold() for value in values)
    return hashlib.sha256(folded.encode()).hexdigest()


class StatementMapping(PublicIdModel):
    """Which column of a bank's file is what, remembered per merchant under its header's fingerprint.

    `columns` maps our names (booked_on, amount, debit, credit, description, payer, reference) to the file's columns,
    with whatever else the reader needs (date format, sign, decimal comma).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="statement_mappings")
    name = models.CharField(max_length=80, help_text="The account as staff call it.")
    header_fingerprint = models.CharField(max_length=64)
    columns = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "header_fingerprint"], name="one_mapping_per_header")
        ]

    def __str__(self) -> str:
        return self.name


class StatementImport(PublicIdModel):
    """One file, as staff brought it. `account` keeps apart the lines of two accounts at one bank."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="statement_imports")
    mapping = models.ForeignKey(StatementMapping, on_delete=models.PROTECT, related_name="imports")
    account = models.CharField(max_length=80, blank=True)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, help_text="Of the file's bytes.")
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="statement_imports"
    )
    known_before = models.PositiveIntegerField(
        default=0, help_text="How many of its lines an earlier import had brought."
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("import_statement", "Can import bank statements")]
        indexes = [models.Index(fields=["merchant", "sha256"], name="statement_same_file")]

    def __str__(self) -> str:
        return self.file_name


class LineState(models.TextChoices):
    UNMATCHED = "unmatched", "To be matched"
    MATCHED = "matched", "Matched"
    IGNORED = "ignored", "Ignored"
    DESK = "desk", "On the desk"


L = LineState


class StatementLine(StatefulModel, PublicIdModel):
    """One booked line: `amount_minor` is signed, money in is positive.

    `fingerprint` is `line_fingerprint`: the same line of an overlapping file is not stored again, while the second of
    two equal transfers on one day has the next `occurrence` and stays a line of its own. Occurrences are counted
    within a file, from 1, so that importing it again finds each of them.
    """

    ALLOWED = {
        L.UNMATCHED: frozenset({L.MATCHED, L.IGNORED, L.DESK}),
        L.DESK: frozenset({L.MATCHED, L.IGNORED, L.UNMATCHED}),
        L.MATCHED: frozenset({L.UNMATCHED}),
        L.IGNORED: frozenset({L.UNMATCHED}),
    }
    STALE: ClassVar[dict[str, frozenset[str]]] = {}

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="statement_lines")
    statement = models.ForeignKey(StatementImport, on_delete=models.PROTECT, related_name="lines")
    account = models.CharField(max_length=80, blank=True, help_text="The import's.")
    position = models.PositiveIntegerField(help_text="Line number in the file, from 1.")
    state = models.CharField(max_length=9, choices=LineState, default=LineState.UNMATCHED)
    booked_on = models.DateField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.PositiveBigIntegerField(
        default=0, help_text="What Venmo kept of it: the bank got so much less than the amount."
    )
    description = models.TextField(blank=True)
    payer = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=200, blank=True, help_text="The bank's own id of the line.")
    occurrence = models.PositiveSmallIntegerField(default=1)
    fingerprint = models.CharField(max_length=64, editable=False)
    ignored_reason = models.CharField(max_length=300, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-booked_on", "-id"]
        indexes = [
            models.Index(
                fields=["merchant", "booked_on"],
                name="statement_line_to_match",
                condition=Q(state__in=["unmatched", "desk"]),
            ),
            models.Index(fields=["statement", "position"], name="statement_line_place"),
        ]
        constraints = [
            choices_constraint(LineState, name="statement_line_state_known"),
            models.UniqueConstraint(
                fields=["merchant", "account", "fingerprint"], name="one_row_per_statement_line"
            ),
            models.CheckConstraint(
                condition=Q(state="ignored", ignored_reason__gt="")
                | (~Q(state="ignored") & Q(ignored_reason="")),
                name="ignored_statement_line_has_a_reason",
            ),
            models.CheckConstraint(condition=Q(occurrence__gte=1), name="statement_line_occurs"),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount_minor} {self.description[:40]}"


class StatementLineChange(StateChange):
    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="changes")


def line_fingerprint(
    *,
    booked_on: date,
    amount_minor: int,
    currency: str,
    description: str,
    payer: str,
    reference: str,
    occurrence: int,
) -> str:
    """What makes a line the same line in the next file. `occurrence` counts its equals in this file, from 1."""
    texts = [
        booked_on.isoformat(),
        str(amount_minor),
        currency,
        description,
        payer,
        reference,
        str(occurrence),
    ]
    return fingerprint_of(texts)
