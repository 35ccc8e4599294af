from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core import clock

PAST = datetime(2020, 2, 29, 12, tzinfo=UTC)


def test_time_moved_goes_on_from_there_for_django_too_and_ends_with_the_context() -> None:
    with clock.movable() as put_to:
        assert abs(clock.now() - datetime.now(tz=UTC)) < timedelta(seconds=5)
        put_to(PAST)
        first = clock.now()
        assert PAST <= first < PAST + timedelta(seconds=5)
        assert clock.today("Asia/Tokyo").isoformat() == "2020-02-29"
        assert first <= timezone.now() < PAST + timedelta(seconds=5)
        put_to(PAST - timedelta(days=1))
        assert clock.now() < PAST
    assert abs(timezone.now() - datetime.now(tz=UTC)) < timedelta(seconds=5)
    assert abs(clock.now() - datetime.now(tz=UTC)) < timedelta(seconds=5)


def test_an_error_inside_brings_real_time_back() -> None:
    with pytest.raises(KeyError), clock.movable() as put_to:
        put_to(PAST)
        raise KeyError
    assert clock.now().year > 2020
