"""How long the price of a booking takes: a pure function, all add-ons chosen, two taxes. Target: below 200 us."""

import time
from collections.abc import Iterator
from decimal import Decimal
from statistics import median

from bookings.models import Per
from bookings.pricing import AddOnChoice, PriceInputs, price
from script.bench import Figure

ROUNDS = 25
PRICES_PER_ROUND = 400
TARGET_MICROSECONDS = 200


def figures() -> Iterator[Figure]:
    """The median over rounds of one price's time, in microseconds."""
    inputs = PriceInputs(
        currency="usd",
        adults=42,
        children=9,
        menu_name="Classic",
        adult_price_minor=6_000,
        child_price_minor=3_000,
        add_ons=tuple(
            AddOnChoice(f"Add-on {per}", per, 450, 3 if per == Per.UNIT else 1) for per in (*Per, Per.UNIT)
        ),
        travel_minor=4_000,
        discount_minor=2_500,
        minimum_spend_minor=500_000,
        tax_rates=(("State tax", Decimal("0.0725")), ("City tax", Decimal("0.015"))),
    )
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(PRICES_PER_ROUND):
            price(inputs)
        rounds.append((time.perf_counter() - start) / PRICES_PER_ROUND * 1e6)
    yield Figure(name="one price", value=round(median(rounds), 1), unit="us", target=TARGET_MICROSECONDS)
