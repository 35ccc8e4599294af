"""What the dashboard is told to send is what the product listens to, by names that Stripe has."""

import re
from io import StringIO
from pathlib import Path

import pytest
import stripe
from django.core.management import CommandError, call_command

from bookings.tests.factories import MerchantFactory
from payments import accounts, events, webhooks
from payments.management.commands import stripe_endpoint

NAMES_AT_STRIPE = Path(stripe.__file__).parent / "params" / "_webhook_endpoint_create_params.py"


def told(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("stripe_endpoint", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_every_event_that_is_heard_is_named_once_and_stripe_has_it() -> None:
    names = told("--events")
    assert names == sorted(set(names))
    assert {*events.HANDLERS, *events.MIRRORED} <= set(names)
    assert all(name in events.HANDLERS or events.mirrored(name) for name in names)
    at_stripe = set(re.findall(r'"([a-z0-9_.]+)"', NAMES_AT_STRIPE.read_text()))
    assert set(names) <= at_stripe
    for family in events.MIRRORED_FAMILIES:
        of_stripe = {
            name for name in at_stripe if name.startswith(family) and name.count(".") == family.count(".")
        }
        assert of_stripe <= set(names), family


@pytest.mark.django_db
def test_the_address_is_the_merchants_own(settings) -> None:
    settings.SITE_URL = "https://bookings.example.com"
    with pytest.raises(CommandError, match="no such merchant"):
        told()
    accounts.open_for(MerchantFactory.create(is_default=True, slug="ember"))
    accounts.open_for(MerchantFactory.create(is_default=False, slug="other", host="other.example.com"))
    assert told()[0].endswith("https://bookings.example.com/api/stripe/webhook")
    assert told("--merchant", "other")[0].endswith("/api/stripe/webhook/other")
    assert len(told()) == 3 + len(stripe_endpoint.wanted())


def test_a_family_without_names_would_be_noticed() -> None:
    assert set(stripe_endpoint.FAMILIES) == set(events.MIRRORED_FAMILIES)
    assert stripe_endpoint.PREFIX == webhooks.PREFIX
