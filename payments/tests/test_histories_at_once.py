"""Random steps of histories, three at once on the same bookings: none breaks, no two wait for each other, and the money
adds up.

AT_ONCE="1 2 3" plays these seeds, some seconds each; what threads do cannot be repeated to the letter.
"""

import os
import random
import threading

import pytest
from django.db import connection

from core.errors import DomainError
from payments.tests import history_audit, history_customers, history_staff, history_steps, history_world
from payments.tests.history_world import Step, World
from tests.fixtures import Sandbox

SEEDS = os.environ.get("AT_ONCE", "1 2").split()
ROUNDS = 16
# These are one person's: they read what the same person wrote just before.
ALONE = ("waits", "books", "charges_a_saved_card", "reads_the_balance", "brings_a_statement")
Taken = tuple[Step, int, int, int]


def _take(world: World, taken: Taken) -> str:
    step, *numbers = taken
    try:
        step(world, *numbers)
    except DomainError as refusal:
        return f"{step.__name__}{tuple(numbers)}: {type(refusal).__name__} {refusal}"
    return f"{step.__name__}{tuple(numbers)}"


def _at_once(world: World, steps: list[Taken]) -> None:
    barrier, bugs = threading.Barrier(len(steps)), []

    def run(taken: Taken) -> None:
        try:
            barrier.wait(30)
            world.told.append(_take(world, taken))
        except Exception as bug:  # noqa: BLE001 - told in the test's own thread
            bugs.append((taken[0].__name__, taken[1:], bug))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(taken,)) for taken in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not bugs, (bugs, world.told)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_at_once_on_the_same_bookings_leave_the_books_straight(
    transactional_db: None, sandbox: Sandbox, seed: str
) -> None:
    chance, world = random.Random(seed), history_world.opened(sandbox)
    steps = [step for step in history_steps.STEPS if step.__name__ not in ALONE]

    def numbers() -> tuple[int, int, int]:
        # Mostly on the first booking.
        return chance.choice((0, 0, 0, 1)), chance.randrange(8), chance.randrange(8)

    for _ in range(2):
        _take(world, (history_customers.books, *numbers()))
    for _ in range(3):
        _take(world, (history_staff.records_money, chance.randrange(2), 0, chance.choice((3, 5))))
    for _ in range(ROUNDS):
        _at_once(world, [(chance.choice(steps), *numbers()) for _ in range(3)])
        history_audit.check_each_step(world)
    history_audit.check_at_the_end(world)
