"""Two merchants with a row of everything, and a browser for each actor who asks for the first one's rows."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import F, Model
from django.test import Client, RequestFactory

from bookings import access
from bookings.models import Booking, Instalment
from bookings.tests.factories import SlotFactory, booked
from core import clock
from customers import sessions
from customers.models import Role
from payments.models import Payment, Refund, SavedCard
from payments.tests import console_rows, console_world
from payments.tests.console_world import World
from tests.permissions.policy import NOBODY, Actor

OWNERS = {
    "merchant": "pk",
    "refund": "payment__merchant",
    "webhookevent": "endpoint__gateway_account__merchant",
    "balancetransaction": "gateway_account__merchant",
    "outboxemail": "merchant_id",
}


@dataclass
class House:
    """Merchant A, whose rows are asked for; `clients` by actor."""

    ours: World
    theirs: World
    booking: Booking
    payment: Payment
    card: SavedCard
    clients: dict[Actor, Client] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.booking.code

    def values(self, pattern: str) -> dict[str, str]:
        """What the placeholders of a pattern stand for: merchant A's rows."""
        values = {
            "code": self.code,
            "public_id": str(self.payment.public_id),
            "number": self.ours.receipts[0].label,
            "method": "zelle",
            "receipt_id": str(self.ours.receipts[0].pk),
            "creditnote_id": str(self.ours.merchant.credit_notes.earliest("pk").pk),
            "content_type_id": "1",
            "object_id": "1",
            "id": str(self.ours.staff[Role.CLERK].pk),
            "token": "no-such-link",
            "version": "1",
            "pk": "2147480000",
            "uidb36": "1",
            "key": "no-such-key",
            "app_label": "payments",
            "action": "noted",
            "rest": "no/such/route",
        }
        if pattern.startswith("api/v1/refunds/"):
            values["public_id"] = str(self.payment.refunds.latest("pk").public_id)
        parts = pattern.split("/")
        if pattern.startswith("admin/") and len(parts) > 3 and (row := self._row(parts[1], parts[2])):
            values["object_id"] = str(row.pk)
        return values

    def _row(self, app: str, name: str) -> Model | None:
        """A row of merchant A in the console's table of that name."""
        found = [
            one for one in admin.site._registry if (one._meta.app_label, one._meta.model_name) == (app, name)
        ]
        if not found:
            return None
        model = found[0]
        if app == "djstripe":
            path = "id" if name in ("account", "accountv2") else "djstripe_owner_account_id"
            return model._default_manager.filter(**{path: self.ours.account.stripe_account_id}).first()
        if model is User:
            return self.ours.staff[Role.CLERK]
        path = OWNERS.get(name, "merchant")
        return model._default_manager.filter(**{path: self.ours.merchant.pk}).order_by("pk").last()


def build() -> House:
    ours = console_world.build("Harvest Table", rows=2)
    theirs = console_world.build("Rival Kitchen", rows=1)
    ours.merchant.is_default = True
    ours.merchant.save(update_fields=["is_default"])
    agreed = booked(merchant=ours.merchant).agreement
    Booking.objects.filter(merchant=ours.merchant).update(agreement=agreed)
    # The newest row is the one asked for: a slot that may be deleted.
    SlotFactory.create(merchant=ours.merchant, starts_at=clock.now() + timedelta(days=50))
    console_rows.mirror_everything(ours.account)
    # Nothing is left to pay, so that no start of a payment goes on to ask Stripe.
    Instalment.objects.update(paid_minor=F("amount_minor"))
    # Asked for by nobody of them: that a requester may not approve has tests of its own.
    Refund.objects.filter(payment__merchant=ours.merchant).update(requested_by=None)
    card = SavedCard.objects.create(
        merchant=ours.merchant,
        customer=ours.bookings[0].customer,
        stripe_payment_method_id="pm_saved",
        brand="visa",
        last4="4242",
    )
    house = House(ours, theirs, ours.bookings[0], ours.payments[0], card)
    house.clients = _clients(house)
    return house


def _clients(house: House) -> dict[Actor, Client]:
    clients = {
        NOBODY: _client(),
        Actor("the booking's customer", "customer"): _holder(house.ours.bookings[0]),
        Actor("another customer", "stranger"): _holder(house.ours.bookings[1]),
        Actor("superuser of no merchant", "root"): _client(User.objects.create_superuser("root")),
        Actor("owner of A without second factor", "locked"): _client(house.ours.staff[Role.OWNER], shown=""),
        Actor("staff of no merchant", "idle"): _client(User.objects.create_user("idle", is_staff=True)),
    }
    for side, world in (("A", house.ours), ("B", house.theirs)):
        for role, user in world.staff.items():
            clients[Actor(f"{role} of {side}", side, str(role))] = _client(user)
    return clients


def _client(user: User | None = None, *, shown: str = "totp") -> Client:
    """A browser signed in as `user`, who has shown a password and (unless `shown` is "") this second factor."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
        request = RequestFactory().get("/")
        request.session = client.session
        if shown:
            record_authentication(request, user, "mfa", type=shown)
        _keep(client, request.session)
    return client


def _keep(client: Client, session: SessionBase) -> None:
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


def _holder(booking: Booking) -> Client:
    """A customer's browser: signed in, with the booking's grant for pages and its token for the API."""
    client = Client(
        raise_request_exception=False, headers={"Authorization": f"Booking {access.issue(booking)}"}
    )
    request = RequestFactory().get("/")
    request.session = client.session
    sessions.sign_in(request, booking.customer)
    access.grant(request.session, booking)
    _keep(client, request.session)
    return client


def foreign_ids() -> dict[str, str]:
    """Ids of nothing: whoever asks must get the answer that others' rows get too."""
    return {"code": "00000000", "public_id": str(uuid.uuid4()), "object_id": "2147480000"}
