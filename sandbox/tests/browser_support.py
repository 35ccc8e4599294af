"""For browser tests: a shop with a strict Content-Security-Policy."""

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Frame, FrameLocator, Page, Request

from sandbox.tests.support import PUBLISHABLE_KEY, Emulator

SHOP_FILES = Path(__file__).parent / "shop"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@dataclass
class Shop:
    """The address of a page that includes Stripe.js, how to open it, and what the shop's server does."""

    url: str
    emulator: Emulator

    def intent(self, **params: Any) -> Any:
        wanted = {
            "amount": 12500,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True},
            **params,
        }
        return self.emulator.v1.payment_intents.create(wanted)

    def session(self, **params: Any) -> Any:
        """Over 108.00, for a guest whose address is known."""
        urls = {
            "success_url": f"{self.url}/return?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{self.url}/cancelled",
        }
        return self.emulator.session(**{"customer_email": "guest@example.com", **urls, **params})

    def charged(self, intent_id: str | None) -> list[Any]:
        """The intent's charges that took money."""
        if intent_id is None:
            return []
        charges = self.emulator.v1.charges.list({"payment_intent": intent_id}).data
        return [charge for charge in charges if charge.status == "succeeded"]

    def open(self, page: Page, *, secret: str = "", **chosen: Any) -> None:
        """`chosen` is what the shop's script is to do otherwise (see shop.js)."""
        query = {"key": PUBLISHABLE_KEY, "secret": secret, "with": json.dumps(chosen)}
        page.goto(f"{self.url}/shop?{urlencode(query)}")

    def open_ready(self, page: Page, *, secret: str = "", **chosen: Any) -> None:
        self.open(page, secret=secret, **chosen)
        page.locator("form[data-ready]").wait_for()


@contextlib.contextmanager
def shop_server(*, emulator: Emulator) -> Iterator[Shop]:
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
            self.send_header("Content-Security-Policy", strict_policy(nonce=nonce, sandbox=emulator.url))
            self.end_headers()
            self.wfile.write(
                text.replace("{{ nonce }}", nonce).replace("{{ sandbox }}", emulator.url).encode()
            )

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Shop(url=f"http://127.0.0.1:{server.server_port}", emulator=emulator)
    server.shutdown()
    server.server_close()


def strict_policy(*, nonce: str, sandbox: str) -> str:
    """What a careful shop sends: no inline style, no eval, Stripe's origin only where Stripe asks for it."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' {sandbox}; frame-src {sandbox}; "
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
    found = Axe().run(where).response["violations"]
    # A frame is a part of a page: the page has the heading.
    not_asked = {"page-has-heading-one"} if isinstance(where, Frame) else set()
    return [
        f"{one['id']}: {node['target']}"
        for one in found
        for node in one["nodes"]
        if one["id"] not in not_asked
    ]


def posts_of(page: Page) -> list[str]:
    """The addresses that the page posts to from now on, growing."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            seen.append(request.url)

    page.on("request", note)
    return seen
