"""Requests of a machine's making against the API's own document: no answer is a failure, each is as the document says.

As nobody, as a booking's customer and as a merchant's owner. The same requests in every run; TRY_DOCUMENT=200 asks that
many per operation and role instead of a few, for a longer look.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.throttling import SimpleRateThrottle
from schemathesis import checks
from schemathesis.core.failures import Failure, FailureGroup

from bookings import access
from bookings.tests.factories import AddOnFactory
from customers.authentication import proof, tokens
from customers.models import Role
from payments.tests import console_world
from payments.tests.shop import Shop, open_shop
from tests.fixtures import Sandbox

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("TRY_DOCUMENT", "6"))
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
# Stripe is asked for these: they are tried less often.
AT_STRIPE = ("checkout-session", "create-intent", "authorize", "charge", "methods", "portal-link")


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """The test's transaction outlives a request, as with Django's test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def shop(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, _one_connection: None) -> Shop:
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda self, request, view: True)
    return open_shop(sandbox)


@pytest.fixture
def world(shop: Shop) -> dict[str, Any]:
    """Real ids, for half of the requests: a machine guesses none."""
    AddOnFactory.create(merchant=shop.merchant)
    booking = shop.book()
    payment = shop.start(booking).payment
    owner = console_world.add_staff(shop.merchant, role=Role.OWNER, username="owner")
    pair = tokens.issue(owner, methods={proof.PASSWORD, "totp"})
    return {
        "code": booking.code,
        "public_id": str(payment.public_id),
        "slot": str(booking.slot.public_id),
        "menu": booking.menu_id,
        "callers": {
            "nobody": {},
            "customer": {"Authorization": f"Booking {access.issue(booking)}"},
            "staff": {"Authorization": f"Bearer {pair.access}"},
        },
    }


@pytest.mark.parametrize("role", ["nobody", "customer", "staff"])
def test_the_api_answers_as_its_document_says(world: dict[str, Any], role: str):
    document = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    wrong: list[str] = []
    for found in document.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an error in the document has none, and fails here
        _try(operation, world=world, headers=world["callers"][role], told=wrong.append)
    assert not wrong, f"{len(wrong)} operations as {role}:\n" + "\n\n".join(wrong)


def _try(
    operation: Any, *, world: dict[str, Any], headers: dict[str, str], told: Callable[[str], None]
) -> None:
    tried = 0

    @settings(
        max_examples=max(2, EXAMPLES // 3) if operation.path.endswith(AT_STRIPE) else EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def once(case: Any) -> None:
        nonlocal tried
        tried += 1
        if tried % 2:
            _make_real(case, world)
        with alone(operation):
            case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        once()
    except (Failure, FailureGroup) as failure:
        told(f"{operation.method.upper()} {operation.path}: {_short(failure)}")


@contextmanager
def alone(operation: Any) -> Iterator[None]:
    """What one request did is not there for the next; not so where Stripe is asked: no transaction may hold that."""
    if operation.path.endswith(AT_STRIPE):
        yield
        return
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def _short(failure: BaseException) -> str:
    return "\n".join(line for line in str(failure).splitlines() if line.strip())[:1200]


def _make_real(case: Any, world: dict[str, Any]) -> None:
    """Ids that exist, in the address and (where it has them) in the body."""
    for name in ("code", "public_id"):
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = world[name]
    if isinstance(case.body, dict):
        real = {"booking": world["code"], "slot": world["slot"], "menu": world["menu"]}
        case.body = {**case.body, **{name: value for name, value in real.items() if name in case.body}}
