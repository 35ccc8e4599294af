"""Which money is whose: suggestions for statement lines and for claims, ranked, each with why. Reads only.

`suggest(rows)` takes statement lines (stored or not) or claims of one merchant and answers one Suggestion per row, in
the same order, with a fixed number of SQL statements however many rows. A line's candidates are transfers that were
recorded already and wait for their proof, open claims, and bookings with something to pay; a claim's candidates are
lines that nothing explains yet. What speaks for two alike stays `unsure`; only `certain` (one booking's code as we
write it, exactly its amount, and nothing else) may ever be booked without a person's look.
"""

from payments.matching.reading import Damage, Trace, traces
from payments.matching.scoring import Candidate, Suggestion, Verdict, Why
from payments.matching.suggesting import method_of, suggest

__all__ = ["Candidate", "Damage", "Suggestion", "Trace", "Verdict", "Why", "method_of", "suggest", "traces"]
