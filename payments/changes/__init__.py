"""Changes of what a booking costs, once money is involved: edits, price reductions, and the plan derived anew."""

from payments.changes.editing import Changed, edit, preview, require_unchanged
from payments.changes.keeping import fit as fit_kept
from payments.changes.keeping import keep, unkeep
from payments.changes.planning import replan
from payments.changes.reducing import Fall, reduce_price, tax_within

__all__ = [
    "Changed",
    "Fall",
    "edit",
    "fit_kept",
    "keep",
    "preview",
    "reduce_price",
    "replan",
    "require_unchanged",
    "tax_within",
    "unkeep",
]
