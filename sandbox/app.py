"""The ASGI application: /v1 through the pipeline, /_sandbox/ through the control API, pages from sandbox.browser."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from sandbox import hangup, timers
from sandbox.browser.pages import routes as browser_routes
from sandbox.call import Call
from sandbox.config import HOST
from sandbox.control import Control, base_url
from sandbox.errors import StripeError
from sandbox.objects import invoice_payments
from sandbox.pipeline import Incoming, Outgoing, Pipeline
from sandbox.world import World

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Account, Stripe-Version",
    "Access-Control-Expose-Headers": "Request-Id, Stripe-Version, Idempotent-Replayed",
    "Access-Control-Max-Age": "300",
}
TIMER_CHECK_SECONDS = 1.0


def create_app(world: World) -> Starlette:
    """One application on one world."""
    background = Background(world)
    routes: list[BaseRoute] = [
        Mount("/v1", app=Api(world)),
        *Control(world, wake=background.wake).routes(),
        Route("/i/{account}/{token}/pdf", lambda request: invoice_pdf(world, request)),
        *browser_routes,
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(world.deliveries.run()), asyncio.create_task(background.run())]
        for task in tasks:
            task.add_done_callback(_end_when_broken)
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        world.deliveries.close()

    return Starlette(routes=routes, lifespan=lifespan)


def invoice_pdf(world: World, request: Request) -> Response:
    """Where an invoice's `invoice_pdf` leads."""
    from sandbox import invoice_document

    call = Call(world=world, ids={"token": request.path_params["token"]})
    try:
        shown = invoice_payments.shown(call)
    except StripeError as problem:
        return PlainTextResponse(problem.message, status_code=problem.status)
    names = {id: rate["display_name"] for id, rate in shown["tax_rates"].items()}
    document = invoice_document.render(shown["invoice"], lines=shown["lines"], tax_names=names)
    headers = {"Content-Disposition": f'attachment; filename="Invoice-{shown["invoice"]["number"]}.pdf"'}
    return Response(document, media_type="application/pdf", headers=headers)


def _end_when_broken(task: asyncio.Task[None]) -> None:
    """A sandbox without timers or webhooks would mislead in silence: a bug in them ends it."""
    if not task.cancelled() and task.exception():
        traceback.print_exception(task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


class Background:
    """Runs the timers when they fall due."""

    def __init__(self, world: World) -> None:
        self.world = world

    def wake(self) -> None:
        self.world.deliveries.wake()

    async def run(self) -> None:
        url = base_url(self.world, f"{HOST}:{self.world.settings.port}")
        while True:
            if timers.run_due(self.world, base_url=url):
                self.wake()
            due = timers.next_due(self.world)
            wait = TIMER_CHECK_SECONDS if due is None else due - self.world.clock.now()
            await asyncio.sleep(min(max(wait, 0.01), TIMER_CHECK_SECONDS))


class Api:
    """ASGI, not a Starlette endpoint: a fault may have to end the connection without an answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pipeline = Pipeline(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            await _send(send, Outgoing(status=204, body=""))
            return
        incoming = Incoming(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            body=(await request.body()).decode(),
            headers=request.headers,
            base_url=base_url(self.world, request.headers.get("host", "")),
        )
        outgoing = await self.pipeline.answer(incoming)
        if outgoing.silence:
            seconds = outgoing.seconds if outgoing.silence == "timeout" else 0.0
            await hangup.end_without_answer(receive, after_seconds=seconds)
            return
        await _send(send, outgoing)


async def _send(send: Send, outgoing: Outgoing) -> None:
    body = outgoing.body.encode()
    headers = {**CORS, **outgoing.headers, "Content-Length": str(len(body))}
    if body:
        headers["Content-Type"] = "application/json"
    await send(
        {
            "type": "http.response.start",
            "status": outgoing.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
