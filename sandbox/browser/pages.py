"""Routes for browsers: the Stripe.js stand-in and its frames, hosted Checkout, invoices and receipts, the 3-D Secure
challenge, the billing portal and the start page.

Every page is a static file. Its script talks to the sandbox's own HTTP API exactly as Stripe's pages talk to
Stripe's: nothing here reads or writes the sandbox's state. `sandbox/app.py` mounts `routes`.

Invariant: a card number is typed into, and sent from, a document of the sandbox's origin only.
"""

import html
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

# A page includes one classic script, and `window.Stripe` must exist as soon as it has run: the parts are
# therefore sent as one file, in this order, inside one function scope.
STAND_IN_PARTS = (
    "errors.js",
    "frames.js",
    "challenge.js",
    "payment_element.js",
    "elements.js",
    "confirmation.js",
    "stripe.js",
)

OWN_ORIGIN_ONLY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'"
)
# `elements({fonts})` names style sheets and font files of the shop, so the card form may load those two.
CARD_FRAME = (
    OWN_ORIGIN_ONLY.replace("style-src 'self'", "style-src 'self' http: https:")
    + "; font-src http: https: data:"
)


class UncachedStaticFiles(StaticFiles):
    """Static files that a browser revalidates each time: an edited file is in use at the next reload."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


async def stand_in(request: Request) -> Response:
    """`GET /js/stripe.js`, what a shop includes instead of https://js.stripe.com."""
    parts = [(STATIC / "stripe" / name).read_text(encoding="utf-8") for name in STAND_IN_PARTS]
    script = "(() => {\n'use strict';\n" + "\n".join(parts) + "\n})();\n"
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


async def payment_element(request: Request) -> Response:
    """The frame with the card fields of a mounted Payment Element."""
    return _page(name="element/element.html", policy=CARD_FRAME, embeddable=True)


async def controller(request: Request) -> Response:
    """The invisible frame that makes API calls which need no card field."""
    return _page(name="element/controller.html", policy=OWN_ORIGIN_ONLY, embeddable=True)


async def start(request: Request) -> Response:
    """`GET /`: where a person sees and steers the sandbox, through the control API."""
    return _page(name="start/start.html", policy=OWN_ORIGIN_ONLY, embeddable=False)


async def hosted_checkout(request: Request) -> Response:
    """`GET /c/pay/<cs_id>`, the `url` of a Checkout session."""
    return _page(name="checkout/checkout.html", policy=OWN_ORIGIN_ONLY, embeddable=False)


async def hosted_invoice(request: Request) -> Response:
    """`GET /i/<account>/<token>`, the `hosted_invoice_url` of an invoice."""
    return _page(name="invoice/invoice.html", policy=OWN_ORIGIN_ONLY, embeddable=False)


async def receipt(request: Request) -> Response:
    """`GET /receipts/<ch_id>`, the `receipt_url` of a charge."""
    return _page(name="receipt/receipt.html", policy=OWN_ORIGIN_ONLY, embeddable=False)


async def billing_portal(request: Request) -> Response:
    """`GET /p/session/<bps_id>`, the `url` of a billing portal session."""
    return _page(name="portal/portal.html", policy=OWN_ORIGIN_ONLY, embeddable=False)


async def challenge(request: Request) -> Response:
    """`GET /3ds/<pi_id>`, in a dialog over the shop's page, or as a page of its own when there is a `return_url`."""
    return _page(name="challenge/challenge.html", policy=OWN_ORIGIN_ONLY, embeddable=True)


def _page(*, name: str, policy: str, embeddable: bool) -> Response:
    """One HTML file, with the card fields that pages share, and the publishable key that they call the API with."""
    source = (STATIC / name).read_text(encoding="utf-8")
    fields = (STATIC / "card/fields.html").read_text(encoding="utf-8")
    key = html.escape(os.environ.get("SANDBOX_PUBLISHABLE_KEY", ""), quote=True)
    ancestors = "*" if embeddable else "'none'"
    return Response(
        source.replace("{{ card_fields }}", fields).replace("{{ publishable_key }}", key),
        media_type="text/html",
        headers={
            "Content-Security-Policy": f"{policy}; frame-ancestors {ancestors}",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


routes: list[BaseRoute] = [
    Route("/", start),
    Route("/js/stripe.js", stand_in),
    Route("/js/payment-element", payment_element),
    Route("/js/controller", controller),
    Mount("/js/static", UncachedStaticFiles(directory=STATIC)),
    Route("/c/pay/{session_id}", hosted_checkout),
    Route("/i/{account}/{token}", hosted_invoice),
    Route("/receipts/{charge_id}", receipt),
    Route("/p/session/{session_id}", billing_portal),
    Route("/3ds/{intent_id}", challenge),
]
