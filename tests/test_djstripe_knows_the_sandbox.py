"""What the sandbox models and dj-stripe has a table for is synced in a test: neither side grows unseen."""

from typing import Any

from djstripe import models
from djstripe.models.base import StripeModel

from payments.tests.test_djstripe_sync_on_sandbox import MODELS, NOT_SYNCED
from sandbox import ids


def test_every_object_of_the_sandbox_that_djstripe_has_a_table_for_is_synced() -> None:
    found = [
        model for model in vars(models).values() if isinstance(model, type) and issubclass(model, StripeModel)
    ]
    tables = {_kind(model): model for model in found if model is not models.UpcomingInvoice}
    assert {tables[kind] for kind in ids.SHAPES if kind in tables} - set(MODELS) - NOT_SYNCED == set()


def _kind(model: Any) -> str:
    """What Stripe calls the objects of this table."""
    return str(getattr(getattr(model, "stripe_class", None), "OBJECT_NAME", ""))
