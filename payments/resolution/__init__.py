"""What staff do about an item on the desk: its possible actions with their effects, and carrying one of them out.

An item is closed only by one of its actions, which names who chose it and why; nothing falls off. Each action is one
transaction, but a refund: that is asked for first, under the item's own request key, so that a process that dies in
between refunds once when the action is chosen again.
"""

from payments.resolution.choices import ON_BOOKING, Action, Choice, choices
from payments.resolution.resolving import resolve

__all__ = ["ON_BOOKING", "Action", "Choice", "choices", "resolve"]
