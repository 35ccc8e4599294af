"""A demonstration caterer with menus, add-ons, tax, travel fees and open times. Invented; nobody's real business.

Called by `manage.py seed_demo`. It may run again at any time: what is there stays as it was edited, what is missing
comes back, and the times reach DAYS_AHEAD again.
"""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from bookings import slot_runs
from bookings.models import AddOn, Menu, Per, TaxRate, TravelFee
from bookings.slot_runs import Run
from core import clock
from customers.models import Merchant

SLUG = "ember-and-salt"
DAYS_AHEAD = 90

MERCHANT: dict[str, Any] = {
    "name": "Ember & Salt Hibachi",
    "email": "hello@example.com",
    "phone": "(415) 555-0134",
    "address": "12 Sample Street, San Francisco, CA 94110",
    "statement_descriptor": "EMBER AND SALT",
    "minimum_spend_minor": 60_000,
    "zelle_name": "Ember & Salt Hibachi LLC",
    "zelle_contact": "pay@emberandsalt.example",
    "venmo_handle": "ember-and-salt",
}
MENUS: tuple[dict[str, Any], ...] = (
    {
        "name": "Classic Hibachi",
        "description": "Chicken and steak off the grill, fried rice, vegetables, ginger sauce.",
        "adult_price_minor": 6_000,
        "child_price_minor": 3_000,
    },
    {
        "name": "Chef's Table",
        "description": "Filet mignon, scallops and shrimp, garlic noodles, a tasting of three sauces.",
        "adult_price_minor": 8_500,
        "child_price_minor": 4_000,
    },
    {
        "name": "Garden",
        "description": "Tofu, king oyster mushrooms and seasonal vegetables; vegan on request.",
        "adult_price_minor": 5_200,
        "child_price_minor": 2_600,
    },
)
ADD_ONS: tuple[dict[str, Any], ...] = (
    {"name": "Gyoza", "description": "Four each, pork or vegetable.", "per": Per.GUEST, "price_minor": 450},
    {"name": "Garlic noodles", "description": "Beside the rice.", "per": Per.GUEST, "price_minor": 350},
    {
        "name": "Sake tasting",
        "description": "Three pours, for adults.",
        "per": Per.ADULT,
        "price_minor": 1_200,
    },
    {"name": "Bento box", "description": "For children, with fruit.", "per": Per.CHILD, "price_minor": 600},
    {
        "name": "Lobster tail",
        "description": "Grilled with yuzu butter.",
        "per": Per.UNIT,
        "price_minor": 1_800,
        "max_quantity": 60,
    },
    {
        "name": "Second grill and chef",
        "description": "Everyone eats at once; we suggest it from 25 guests.",
        "per": Per.BOOKING,
        "price_minor": 25_000,
    },
)
TRAVEL: tuple[tuple[str, int], ...] = (("", 7_500), ("94", 4_000), ("941", 0))
MONDAY_TO_FRIDAY, WEEKEND = range(5), (5, 6)
EVENINGS: tuple[tuple[Any, time, time, int], ...] = (
    (MONDAY_TO_FRIDAY, time(18), time(21), 1),
    (WEEKEND, time(13), time(16), 2),
    (WEEKEND, time(18), time(21), 2),
)


@transaction.atomic
def prepare() -> Merchant:
    """The demonstration merchant, the default one if there is none yet, with its catalogue and times."""
    defaults = {**MERCHANT, "is_default": not Merchant.objects.filter(is_default=True).exists()}
    merchant, _created = Merchant.objects.get_or_create(slug=SLUG, defaults=defaults)
    _fill_catalogue(merchant)
    _open_times(merchant)
    return merchant


def _fill_catalogue(merchant: Merchant) -> None:
    for position, menu in enumerate(MENUS, start=1):
        Menu.objects.get_or_create(
            merchant=merchant, name=menu["name"], defaults={**menu, "position": position}
        )
    for position, add_on in enumerate(ADD_ONS, start=1):
        AddOn.objects.get_or_create(
            merchant=merchant, name=add_on["name"], defaults={**add_on, "position": position}
        )
    if not merchant.tax_rates.exists():
        TaxRate.objects.create(merchant=merchant, name="Sales tax", rate=Decimal("0.0875"))
    for prefix, fee in TRAVEL:
        TravelFee.objects.get_or_create(merchant=merchant, postal_prefix=prefix, defaults={"fee_minor": fee})


def _open_times(merchant: Merchant) -> None:
    tomorrow = clock.today(merchant.timezone) + timedelta(days=1)
    last = tomorrow + timedelta(days=DAYS_AHEAD - 1)
    for weekdays, starts, ends, capacity in EVENINGS:
        run = Run(first=tomorrow, last=last, weekdays=weekdays, starts=starts, ends=ends, capacity=capacity)
        slot_runs.add(run, merchant=merchant)
