"""What may happen in a history, and how often each of it is drawn.

A step takes the world and three numbers from 0 to 7, with which it picks whom, what and how much.
"""

from payments.tests.history_cards import (
    cancels_a_day,
    charges_a_saved_card,
    decides_a_promise,
    disputes_a_charge,
    promises,
)
from payments.tests.history_customers import (
    books,
    charges_without_us,
    claims,
    comes_back_to_the_card,
    dashboard_refunds,
    pays_by_card,
    pays_by_credit,
    time_passes_at_stripe,
    waits,
    webhooks_come,
)
from payments.tests.history_staff import (
    cancels,
    credit_ends,
    decides_a_claim,
    decides_a_refund,
    did_not_take_place,
    edits,
    gives_credit,
    gives_more_time,
    lets_holds_end,
    pays_out,
    reads_the_balance,
    records_money,
    refunds_money,
    reinstates,
    sends_what_is_due,
    settles_a_desk_item,
    takes_money_back,
    takes_place,
    writes_off,
)
from payments.tests.history_statements import brings_a_statement, decides_a_line, undoes_a_line
from payments.tests.history_world import Step

# How often each is drawn.
_WEIGHTS: tuple[tuple[Step, int], ...] = (
    (waits, 1), (books, 2), (pays_by_card, 5), (comes_back_to_the_card, 1), (pays_by_credit, 3),
    (charges_without_us, 1),
    (webhooks_come, 3), (time_passes_at_stripe, 1), (dashboard_refunds, 2), (claims, 2), (decides_a_claim, 2),
    (records_money, 5), (takes_money_back, 2), (gives_credit, 2), (credit_ends, 1), (edits, 6), (refunds_money, 6),
    (decides_a_refund, 3), (cancels, 2), (reinstates, 2), (sends_what_is_due, 1), (takes_place, 2),
    (did_not_take_place, 1), (lets_holds_end, 1), (settles_a_desk_item, 4), (reads_the_balance, 1), (pays_out, 1),
    (writes_off, 3), (gives_more_time, 1),
    (promises, 3), (decides_a_promise, 3), (charges_a_saved_card, 1), (disputes_a_charge, 1), (cancels_a_day, 1),
    (brings_a_statement, 2), (decides_a_line, 3), (undoes_a_line, 1),
)  # fmt: skip
STEPS: tuple[Step, ...] = tuple(step for step, weight in _WEIGHTS for _ in range(weight))
