"""Random histories of a few bookings, through the use cases, PostgreSQL and the sandbox: the money always adds up.

HISTORIES=2000 HISTORY_STEPS=25 HISTORY_SEED=7 play more, longer and other ones (seed 0: others each time). A failure
tells the smallest history that was found, step by step, with what each refusal said.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as some

from payments.tests import history_audit, history_customers, history_staff, history_steps, history_world
from payments.tests.history_world import Step
from tests.fixtures import Sandbox

HISTORIES = int(os.environ.get("HISTORIES", "100"))
STEPS = int(os.environ.get("HISTORY_STEPS", "12"))
SEED = os.environ.get("HISTORY_SEED", "")
NUMBER = some.integers(min_value=0, max_value=7)
Taken = tuple[Step, int, int, int]

STEP = some.tuples(some.sampled_from(history_steps.STEPS), NUMBER, NUMBER, NUMBER)
BOOKED = some.tuples(some.just(history_customers.books), NUMBER, NUMBER, NUMBER)
# Most histories begin with money on a booking: a deposit, or the whole of it.
PAYS = some.sampled_from((history_staff.records_money, history_customers.pays_by_card))
PAID = some.tuples(PAYS, NUMBER, some.sampled_from((0, 5, 6)), some.sampled_from((3, 5, 7)))

BUDGET = settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    derandomize=not SEED,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_whatever_customers_staff_stripe_and_time_do_the_money_adds_up(
    transactional_db: None, sandbox: Sandbox
) -> None:
    @BUDGET
    @given(
        booked=some.lists(BOOKED, min_size=1, max_size=2),
        paid=some.lists(PAID, max_size=2),
        then=some.lists(STEP, min_size=STEPS // 2, max_size=STEPS),
    )
    def run(booked: list[Taken], paid: list[Taken], then: list[Taken]) -> None:
        _play(sandbox, [*booked, *paid, *then])

    if int(SEED or 0):
        seed(int(SEED))(run)()
    else:
        run()


def _play(sandbox: Sandbox, history: list[Taken]) -> None:
    """Each history in a world of its own, which is gone afterwards."""
    with history_world.rolled_back():
        world = history_world.opened(sandbox)
        try:
            for step, a, b, c in history:
                history_world.take(world, step, a, b, c)
                history_audit.check_each_step(world)
            history_audit.check_at_the_end(world)
        finally:
            for line in world.told:
                note(line)
