"""The whole product, started by script/server, with hands on its processes, its services and its data.

The test's own process reaches the same database and the same sandbox, so it books, pays and looks with the product's
own code; what the product does by itself, its web, worker and beat processes do.
"""

import contextlib
import http.client
import json
import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from bookings import access
from bookings.models import Booking, Menu
from core import doorbell
from customers.models import Merchant
from payments import endpoints, mirror
from payments.models import GatewayAccount, WebhookEndpoint, WebhookEvent
from payments.tests.shop import Shop
from payments.tests.stripe_events import signature
from script.children import birth_mark
from script.state import State
from tests.chaos import trade
from tests.fixtures import Sandbox
from tests.server_process import ServerProcess

POSTING_THREADS = 4
PATIENCE_SECONDS = 30.0
POOL_IS_UP_SECONDS = 0.5
Event = dict[str, Any]


def until(condition: Callable[[], object], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def age_seconds(pid: int) -> float:
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return up - started / os.sysconf("SC_CLK_TCK")


@dataclass
class House:
    server: ServerProcess
    shop: Shop

    # Processes ------------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """The running process that script/server calls so."""
        pid, mark = State(path=self.server.state).read("children.json", otherwise={})[name]
        return int(pid) if birth_mark(pid) == mark else 0

    def kill(self, name: str) -> None:
        """kill -9, with everything that it has started."""
        if pid := self.pid(name):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def kill_a_pool_process(self) -> bool:
        """kill -9 for the process of the worker that does the work. False when there is none, or it only just started:
        a worker whose pool dies before it is up ends itself, and script/server takes that a few times a minute.
        """
        worker = self.pid("worker")
        try:
            (child,) = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
            if age_seconds(int(child)) < POOL_IS_UP_SECONDS:
                return False
            os.kill(int(child), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False
        return True

    @contextlib.contextmanager
    def hanging(self, name: str) -> Iterator[None]:
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def cut_database_connections(self) -> int:
        """End every connection to the product's database but this one; how many there were."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            (count,) = cursor.fetchone()
        return int(count)

    def wait_for_web(self) -> None:
        def answers() -> bool:
            with contextlib.suppress(OSError):
                return self.server.status("/") == 200
            return False

        until(answers, what="the web process answers again")

    # What reaches the web process -----------------------------------------------------------------

    def start_payment(self, booking: Booking) -> tuple[int, dict[str, Any]]:
        """The customer's frontend asks for the payment; no status (0) when the answer never came."""
        request = urllib.request.Request(
            f"{self.server.url}/api/v1/payments/create-intent",
            method="POST",
            data=json.dumps({"booking": booking.code, "purpose": "deposit"}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Booking {access.issue(booking)}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.load(answer)
        except (OSError, http.client.HTTPException):
            return 0, {}

    def post(self, events: Sequence[Event]) -> list[float]:
        """Deliver in this order, several at a time, each until it is answered 200, as Stripe does; seconds of each."""
        with ThreadPoolExecutor(POSTING_THREADS) as pool:
            return list(pool.map(self._deliver, events))

    def _deliver(self, event: Event) -> float:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            started = time.monotonic()
            if self.post_once(event) == 200:
                return time.monotonic() - started
            assert time.monotonic() < deadline, f"{event['type']} is not taken"
            time.sleep(0.2)

    def post_once(self, event: Event) -> int:
        """The status; 0 when there was no answer."""
        body = json.dumps(event).encode()
        signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRETS[0])
        headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
        web = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=PATIENCE_SECONDS)
        try:
            web.request("POST", "/api/stripe/webhook", body=body, headers=headers)
            return web.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            web.close()

    # What comes of it -----------------------------------------------------------------------------

    def ring(self, *tasks: str) -> None:
        """As beat or somebody's commit would: the worker is told that there is work."""
        bell = doorbell._Doorbell()
        for task in tasks:
            bell._send(task)

    def handled(self) -> bool:
        return not WebhookEvent.objects.exclude(state__in=trade.DONE).exists()

    def wait_until_handled(self, *, seconds: float = PATIENCE_SECONDS, hurried: bool = False) -> None:
        """By the product's own processes. `hurried`: as if time passed, so that no lease or pause is waited out."""
        deadline = time.monotonic() + seconds
        while not self.handled():
            left = WebhookEvent.objects.exclude(state__in=trade.DONE)
            assert time.monotonic() < deadline, list(
                left.values("type", "state", "outcome", "last_error")[:5]
            )
            if hurried:
                trade.make_due()
            time.sleep(0.5)

    def handled_in_order(self, *, kinds: Sequence[str]) -> dict[int, str]:
        """A trade whose events came one after the other: what others are compared with."""
        made = trade.make(self.shop, kinds=kinds)
        for event in self.shop.events():
            assert self.post_once(event) == 200
        self.wait_until_handled(hurried=True)
        return made

    def assert_same(self, *, once: dict[int, str], disturbed: dict[int, str]) -> None:
        """Of each kind, every disturbed booking ended as the one in order did. 0 lost, 0 double."""
        trade.assert_books_are_straight(self.shop)
        for kind in set(once.values()):
            (expected,) = trade.told(booking for booking, its in once.items() if its == kind)
            mine = [booking for booking, its in disturbed.items() if its == kind]
            assert trade.told(mine) == {expected: len(mine)}, kind


def shuffled(events: Sequence[Event], *, seed: int) -> list[Event]:
    """Each one to three times, in any order."""
    dice = random.Random(seed)
    copies = [event for event in events for _ in range(dice.randint(1, 3))]
    dice.shuffle(copies)
    return copies


def shop_of(sandbox: Sandbox) -> Shop:
    """The demonstration merchant, for this process to trade as; Stripe sends nothing by itself."""
    endpoints.forget()
    mirror.learn_accounts()
    merchant = Merchant.objects.get(is_default=True)
    account = GatewayAccount.objects.select_related("merchant").get(merchant=merchant)
    endpoint = WebhookEndpoint.objects.get(gateway_account=account)
    menu = Menu.objects.filter(merchant=merchant).order_by("id")[0]
    sandbox.control("webhooks", paused=True)
    return Shop(sandbox, merchant, account, endpoint, menu)
