"""The control API under /_sandbox/: what a person or a test does to the sandbox, and what its own pages need.

Development only and on loopback, so it asks for no key.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import dashboard, timers
from sandbox.call import Call
from sandbox.config import API_VERSION, Tuning
from sandbox.errors import StripeError
from sandbox.faults import UnknownFault
from sandbox.objects import balance, challenge, checkout_payment, event_log, invoice_payments, portal
from sandbox.schema import forms
from sandbox.world import World

Endpoint = Callable[[Request], Awaitable[Response]]


class BadControl(Exception):
    """A control request that makes no sense; answered 400 with the sentence."""


async def _sent(request: Request) -> dict[str, Any]:
    """The body as JSON or as a form."""
    raw = (await request.body()).decode()
    if not raw:
        return {}
    if "json" not in request.headers.get("content-type", "json"):
        return forms.parse(raw)
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as problem:
        raise BadControl(f"The body is not JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise BadControl("The body must be a JSON object.")
    return value


class Control:
    def __init__(self, world: World, *, wake: Callable[[], None]) -> None:
        self.world = world
        self.wake = wake

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/_sandbox/health", self.health),
            ("POST", "/_sandbox/reset", self.reset),
            ("GET", "/_sandbox/clock", self.clock),
            ("POST", "/_sandbox/clock", self.advance),
            ("GET", "/_sandbox/tuning", self.tuning),
            ("POST", "/_sandbox/tuning", self.tune),
            ("GET", "/_sandbox/faults", self.faults),
            ("POST", "/_sandbox/faults", self.add_fault),
            ("DELETE", "/_sandbox/faults", self.clear_faults),
            ("DELETE", "/_sandbox/faults/{id:int}", self.remove_fault),
            ("GET", "/_sandbox/requests", self.requests),
            ("GET", "/_sandbox/balance", self.balance),
            ("POST", "/_sandbox/webhook_endpoint", self.webhook_endpoint),
            ("GET", "/_sandbox/webhooks", self.webhooks),
            ("POST", "/_sandbox/webhooks", self.pause),
            ("GET", "/_sandbox/deliveries", self.deliveries),
            ("POST", "/_sandbox/events/{id}/redeliver", self.redeliver),
            ("POST", "/_sandbox/3ds/{id}", self.three_d_secure),
            ("GET", "/_sandbox/checkout/{id}", self.checkout_shown),
            ("POST", "/_sandbox/checkout/{id}/pay", self.checkout_pay),
            ("POST", "/_sandbox/checkout/{id}/after_3ds", self.checkout_after_3ds),
        ]
        table.append(("GET", "/_sandbox/objects", self.objects))
        table.append(("GET", "/_sandbox/portal/{id}", self.portal))
        table.append(("GET", "/_sandbox/invoice_page/{token}", self.invoice_page))
        table.append(("GET", "/_sandbox/receipt/{id}", self.receipt))
        table += [("POST", path, self._acting(action)) for path, action in dashboard.ACTIONS]
        return [Route(path, _told(endpoint), methods=[method]) for method, path, endpoint in table]

    def _acting(self, action: dashboard.Action) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return self._do(self._call(request, await _sent(request)), action)

        return endpoint

    def _call(self, request: Request, params: dict[str, Any] | None = None) -> Call:
        return Call(
            world=self.world,
            params=params or {},
            ids={name: str(value) for name, value in request.path_params.items()},
            base_url=base_url(self.world, request.headers.get("host", "")),
        )

    def _do(self, call: Call, action: Callable[[Call], dict[str, Any]]) -> Response:
        """Runs an action on the state in one transaction; a refusal that keeps its effects is kept."""
        refusal: StripeError | None = None
        with self.world.store.unit():
            try:
                answer = action(call)
            except StripeError as problem:
                if not problem.keeps_effects:
                    raise
                refusal = problem
            for follower in call.followers:
                follower(call)
        self.wake()
        if refusal:
            raise refusal
        return JSONResponse(answer)

    async def health(self, request: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "api_version": API_VERSION,
                "account": self.world.account_id,
                "now": self.world.clock.now(),
                "offset": self.world.clock.offset,
            }
        )

    async def reset(self, request: Request) -> Response:
        self.world.reset()
        self.wake()
        return JSONResponse({"status": "reset"})

    async def clock(self, request: Request) -> Response:
        return JSONResponse({"now": self.world.clock.now(), "offset": self.world.clock.offset})

    async def advance(self, request: Request) -> Response:
        """{"advance": seconds}, or {"to": unix seconds, null for real time}, also back: a past to be lived through.

        Everything that falls due on the way happens before the answer.
        """
        sent = await _sent(request)
        try:
            with self.world.store.unit():
                if "to" in sent:
                    self.world.put_clock_to(None if sent["to"] is None else float(sent["to"]))
                else:
                    self.world.advance(float(sent.get("advance")))  # type: ignore[arg-type]
        except (TypeError, ValueError) as problem:
            raise BadControl(f"advance must be a number of seconds, not below 0 ({problem})") from problem
        ran = timers.run_due(self.world, base_url=self._call(request).base_url)
        self.wake()
        return JSONResponse(
            {"now": self.world.clock.now(), "offset": self.world.clock.offset, "timers_run": ran}
        )

    async def tuning(self, request: Request) -> Response:
        return JSONResponse(asdict(self.world.tuning))

    async def tune(self, request: Request) -> Response:
        known = {field.name: type(getattr(Tuning(), field.name)) for field in fields(Tuning)}
        for name, value in (await _sent(request)).items():
            if name not in known:
                raise BadControl(f"There is no tuning {name}; there are {', '.join(known)}.")
            try:
                setattr(self.world.tuning, name, known[name](value))
            except (TypeError, ValueError) as problem:
                raise BadControl(f"{name}: {problem}") from problem
        self.wake()
        return await self.tuning(request)

    async def faults(self, request: Request) -> Response:
        return JSONResponse({"faults": self.world.faults.listed()})

    async def add_fault(self, request: Request) -> Response:
        try:
            fault = self.world.faults.add(await _sent(request))
        except UnknownFault as problem:
            raise BadControl(str(problem)) from problem
        return JSONResponse(asdict(fault))

    async def clear_faults(self, request: Request) -> Response:
        self.world.faults.clear()
        with self.world.store.unit():
            self.world.deliveries.release_held()
        self.wake()
        return JSONResponse({"faults": []})

    async def remove_fault(self, request: Request) -> Response:
        removed = self.world.faults.remove(request.path_params["id"])
        return JSONResponse({"removed": removed}, status_code=200 if removed else 404)

    async def requests(self, request: Request) -> Response:
        query = request.query_params
        found = self.world.log.listed(
            method=query.get("method", ""),
            path=query.get("path", ""),
            limit=int(query.get("limit", 100)),
            since=int(query.get("since", 0)),
        )
        return JSONResponse({"requests": found})

    async def balance(self, request: Request) -> Response:
        return self._do(self._call(request), balance.check)

    async def webhook_endpoint(self, request: Request) -> Response:
        """{"url": …, "secret"?: …}: moves the endpoint that the environment configured."""
        sent = await _sent(request)
        if not str(sent.get("url", "")).startswith(("http://", "https://")):
            raise BadControl("url must start with http:// or https://")
        with self.world.store.unit():
            endpoint = self.world.set_configured_endpoint(url=sent["url"], secret=sent.get("secret"))
        self.wake()
        return JSONResponse({"id": endpoint["id"], "url": endpoint["url"]})

    async def webhooks(self, request: Request) -> Response:
        """How the queue stands; `?wait=SECONDS` answers as soon as nothing is outstanding."""
        deadline = asyncio.get_running_loop().time() + float(request.query_params.get("wait", 0))
        while self.world.deliveries.outstanding() and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        return JSONResponse(
            {"paused": self.world.deliveries.paused, "outstanding": self.world.deliveries.outstanding()}
        )

    async def pause(self, request: Request) -> Response:
        """{"paused": true | false}"""
        self.world.deliveries.paused = bool((await _sent(request)).get("paused"))
        self.wake()
        return await self.webhooks(request)

    async def deliveries(self, request: Request) -> Response:
        query = request.query_params
        found = self.world.deliveries.listed(
            event=query.get("event", ""), state=query.get("state", ""), limit=int(query.get("limit", 200))
        )
        return JSONResponse({"deliveries": found})

    async def objects(self, request: Request) -> Response:
        return self._do(self._call(request, dict(request.query_params)), dashboard.objects)

    async def portal(self, request: Request) -> Response:
        return self._do(self._call(request), portal.shown)

    async def invoice_page(self, request: Request) -> Response:
        return self._do(self._call(request), invoice_payments.shown)

    async def receipt(self, request: Request) -> Response:
        return self._do(self._call(request), dashboard.receipt)

    async def redeliver(self, request: Request) -> Response:
        return self._do(self._call(request), event_log.redeliver)

    async def three_d_secure(self, request: Request) -> Response:
        return self._do(self._call(request, await _sent(request)), challenge.finish)

    async def checkout_shown(self, request: Request) -> Response:
        return self._do(self._call(request), checkout_payment.shown)

    async def checkout_pay(self, request: Request) -> Response:
        call = self._call(request, await _sent(request))
        call.publishable = True
        return self._do(call, checkout_payment.pay)

    async def checkout_after_3ds(self, request: Request) -> Response:
        return self._do(self._call(request), checkout_payment.after_3ds)


def base_url(world: World, host: str) -> str:
    """Where links of this sandbox point: the configured address, or the one the caller used."""
    return world.settings.public_url or f"http://{host or f'127.0.0.1:{world.settings.port}'}"


def _told(endpoint: Endpoint) -> Endpoint:
    """Turns refusals into JSON answers."""

    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadControl as problem:
            return JSONResponse({"error": {"message": str(problem)}}, status_code=400)
        except StripeError as problem:
            return JSONResponse(problem.body(request_id=None), status_code=problem.status)

    return wrapped
