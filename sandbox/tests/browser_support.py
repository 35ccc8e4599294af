"""For browser tests: a real sandbox process with an empty state, and a shop with a strict Content-Security-Policy."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import stripe
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, FrameLocator, Page

REPOSITORY = Path(__file__).parents[2]
SHOP_FILES = Path(__file__).parent / "shop"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
SECRET_KEY = "sk_test_" + "b" * 24
PUBLISHABLE_KEY = "pk_test_" + "b" * 24


@dataclass
class SandboxProcess:
    """A running sandbox and Stripe's own client for it."""

    url: str
    client: stripe.StripeClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": self.url}, max_network_retries=0)

    def intent(self, **params: Any) -> stripe.PaymentIntent:
        wanted = {
            "amount": 12500,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True},
            **params,
        }
        return self.client.v1.payment_intents.create(wanted)  # type: ignore[arg-type]

    def session(self, *, shop: str, **params: Any) -> stripe.checkout.Session:
        line = {
            "price_data": {"currency": "usd", "unit_amount": 10000, "product_data": {"name": "Deposit"}},
            "quantity": 1,
        }
        wanted = {
            "mode": "payment",
            "line_items": [line],
            "success_url": f"{shop}/return?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{shop}/cancelled",
            "customer_email": "guest@example.com",
            **params,
        }
        return self.client.v1.checkout.sessions.create(wanted)  # type: ignore[arg-type]

    def charges(self) -> list[stripe.Charge]:
        return list(self.client.v1.charges.list({"limit": 100}).data)

    def paid(self) -> list[stripe.Charge]:
        return [charge for charge in self.charges() if charge.status == "succeeded"]


@contextlib.contextmanager
def sandbox_process(*, state: Path) -> Iterator[SandboxProcess]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SANDBOX_SECRET_KEY": SECRET_KEY, "SANDBOX_PUBLISHABLE_KEY": PUBLISHABLE_KEY}
    environment.pop("SANDBOX_WEBHOOK_URL", None)
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
    try:
        _wait_for(port=port, process=process)
        yield SandboxProcess(url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(*, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox ended at once, with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("the sandbox does not listen")


@dataclass
class Shop:
    """The address of a page that includes Stripe.js, and how to open it."""

    url: str
    sandbox: SandboxProcess

    def open(self, page: Page, *, secret: str = "", **chosen: Any) -> None:
        """`chosen` is what the shop's script is to do otherwise (see shop.js)."""
        query = {"key": PUBLISHABLE_KEY, "secret": secret, "with": json.dumps(chosen)}
        page.goto(f"{self.url}/shop?{urlencode(query)}")

    def open_ready(self, page: Page, *, secret: str = "", **chosen: Any) -> None:
        self.open(page, secret=secret, **chosen)
        page.locator("form[data-ready]").wait_for()


@contextlib.contextmanager
def shop_server(*, sandbox: SandboxProcess) -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonce = secrets.token_urlsafe(12)
            name = urlsplit(self.path).path.strip("/")
            file = SHOP_FILES / ("shop.html" if name == "shop" else name)
            text = (
                file.read_text()
                if file.is_file()
                else "<!doctype html><title>Back</title><h1>Back at the shop</h1>"
            )
            self.send_response(200)
            self.send_header("Content-Type", TYPES.get(file.suffix, "text/html"))
            self.send_header("Content-Security-Policy", strict_policy(nonce=nonce, sandbox=sandbox.url))
            self.end_headers()
            self.wfile.write(
                text.replace("{{ nonce }}", nonce).replace("{{ sandbox }}", sandbox.url).encode()
            )

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Shop(url=f"http://127.0.0.1:{server.server_port}", sandbox=sandbox)
    server.shutdown()
    server.server_close()


def strict_policy(*, nonce: str, sandbox: str) -> str:
    """What a careful shop sends: no inline style, no eval, Stripe's origin only where Stripe asks for it."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' {sandbox}; frame-src {sandbox}; connect-src {sandbox}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'"
    )


def card_fields(page: Page) -> FrameLocator:
    return page.frame_locator("#payment-element iframe")


def challenge(page: Page) -> FrameLocator:
    return page.frame_locator("dialog iframe")


def fill_card(fields: FrameLocator | Page, *, number: str) -> None:
    """Types as a person does, key by key: the fields move on by themselves."""
    fields.get_by_label("Card number").fill("")
    fields.get_by_label("Card number").press_sequentially(number)
    fields.get_by_label("Expiration date").fill("")
    fields.get_by_label("Expiration date").press_sequentially("1234")
    fields.get_by_label("Security code").fill("123")
    fields.get_by_label("ZIP code").fill("94107")


def results(page: Page, *, count: int = 1) -> list[dict[str, Any]]:
    """What `confirmPayment` has answered the shop so far, once there are `count` answers."""
    page.locator(f"form[data-results='{count}']").wait_for()
    answers: list[dict[str, Any]] = page.evaluate("results")
    return answers


def violations(where: Page | Frame) -> list[str]:
    """What axe finds wrong, as `rule: element`."""
    found = Axe().run(where).response["violations"]  # type: ignore[arg-type]
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]
