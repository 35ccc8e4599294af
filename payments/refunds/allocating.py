"""How a refund of a booking is spread over its payments. Pure: no query, no clock.

Pro rata over the people who paid, by what each has on the booking still; within one person cards go first, the newest
first, then what came by hand, then credit. The parts sum to the amount; no payment gives more than it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import share

CARD, BY_HAND, CREDIT = range(3)


@dataclass(frozen=True, slots=True)
class Net:
    """What one payment has on the booking still. `payer` names who paid; the newest has the largest `order`."""

    payment_id: int
    payer: int
    route: int
    order: int
    net_minor: int


def allocate(amount_minor: int, nets: Sequence[Net]) -> dict[int, int]:
    """Payment id -> its part of `amount_minor`, in minor units; payments that give nothing are absent.

    Raises ValueError for more than all of them have.
    """
    whole = sum(net.net_minor for net in nets)
    if not 0 <= amount_minor <= whole:
        raise ValueError("More than was paid cannot be spread.")
    found: dict[int, int] = {}
    before = given = 0
    for payer in sorted({net.payer for net in nets}):
        own = [net for net in nets if net.payer == payer]
        before += sum(net.net_minor for net in own)
        # Each takes the rounded running sum less what earlier ones took, so that cents never drift.
        theirs = share(amount_minor, part=before, whole=whole) - given if whole else 0
        given += theirs
        found |= _within(theirs, own)
    return found


def _within(amount_minor: int, nets: Sequence[Net]) -> dict[int, int]:
    found = {}
    for net in sorted(nets, key=lambda net: (net.route, -net.order, -net.payment_id)):
        part = min(net.net_minor, amount_minor)
        amount_minor -= part
        if part:
            found[net.payment_id] = part
    return found
