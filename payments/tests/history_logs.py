"""After any history: each row's log is a chain of allowed changes that ends where the row is."""

import itertools
from collections.abc import Mapping
from typing import Any

from bookings.models import Booking
from payments.models import Claim, Payment, Refund


def check() -> None:
    models: tuple[type[Any], ...] = (Booking, Payment, Refund, Claim)
    for model in models:
        for row in model.objects.prefetch_related("changes"):
            _check_log(row, model.ALLOWED)


def _check_log(row: Any, allowed: Mapping[str, frozenset[str]]) -> None:
    changes = list(row.changes.all())
    for before, after in itertools.pairwise(changes):
        assert before.to_state == after.from_state, f"{row}: {before} / {after}"
    for change in changes:
        stays = change.from_state == change.to_state  # a hold that was made longer
        assert stays or change.to_state in allowed[change.from_state], f"{row}: {change}"
    assert not changes or changes[-1].to_state == row.state, f"{row} is {row.state}, its log says otherwise"
