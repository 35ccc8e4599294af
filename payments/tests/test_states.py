"""Every state and every event type has been thought of."""

import pytest

from bookings.models import Booking
from core.states import check_table
from payments import events
from payments.models import Claim, Payment, Refund, StatementLine


@pytest.mark.parametrize("model", [Booking, Payment, Refund, Claim, StatementLine])
def test_every_state_is_in_the_table(model):
    assert check_table(model) == []


def test_no_event_type_is_both_handled_and_mirrored_only():
    assert not [name for name in events.HANDLERS if events.mirrored(name)]
