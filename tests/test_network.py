"""Tests stay on the machine, except where somebody opened a door on purpose."""

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests import network

ADDRESS = "203.0.113.7"  # nobody's: reserved for documentation


def test_a_foreign_host_is_refused_by_name_and_by_address() -> None:
    with pytest.raises(network.NetworkRefused, match=r"api\.stripe\.com"):
        socket.getaddrinfo("api.stripe.com", 443)
    with socket.socket() as outward, pytest.raises(network.NetworkRefused, match=re.escape(ADDRESS)):
        outward.connect((ADDRESS, 443))


def test_an_opened_host_is_open_with_its_addresses_and_only_as_long(
    network_open_to: Callable[[str], Any],
) -> None:
    def answers(host: str, *_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESS, 443))]

    ask = network.remembering(network.guarded(answers, allowed=set(), host_of=lambda host, *_: host))
    reach = network.guarded(lambda address: "reached", allowed=set(), host_of=lambda address: address)
    with network_open_to("api.stripe.com"):
        with pytest.raises(network.NetworkRefused):
            ask("api.example.com")
        ask("api.stripe.com")
        assert reach(ADDRESS) == "reached"
    for refused in (lambda: ask("api.stripe.com"), lambda: reach(ADDRESS)):
        with pytest.raises(network.NetworkRefused):
            refused()
