"""The sandbox clock as the control API moves it."""

import time

from sandbox.tests.support import Emulator

JANUARY = 1_767_225_600


def test_a_past_is_lived_through_and_real_time_comes_back(emulator: Emulator) -> None:
    put = emulator.control("clock", {"to": JANUARY})
    assert JANUARY <= put["now"] < JANUARY + 5
    paid = emulator.pay()
    assert JANUARY <= paid.created < JANUARY + 10
    earlier = emulator.control("clock", {"to": JANUARY - 3600})
    assert earlier["now"] < JANUARY
    real = emulator.control("clock", {"to": None})
    assert (real["offset"], abs(real["now"] - time.time()) < 5) == (0, True)
    newest = emulator.v1.events.list().data[0]
    assert JANUARY <= newest.created < JANUARY + 10
