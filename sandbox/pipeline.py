"""A request to /v1, from bytes to bytes: key, version, faults, idempotency, schema, handler, schema, answer.

Everything between two `await`s runs alone: the event loop's single thread is the sandbox's only lock.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox import access, expand, ids, routes
from sandbox.call import Call
from sandbox.errors import StripeError, not_modelled
from sandbox.faults import Fault
from sandbox.idempotency import Idempotency, Kept
from sandbox.objects import payment_methods
from sandbox.request_log import Entry, redacted
from sandbox.schema import forms
from sandbox.store import Object, public
from sandbox.world import World

NETWORK_FAULTS = ("timeout_before", "hangup_before", "rate_limit", "lock_timeout", "delay")
EXECUTION_FAULTS = ("error_500_before", "error_500_after", "timeout_after", "hangup_after")
BROWSER_PARAMETERS = ("client_secret", "use_stripe_sdk", "key", "_stripe_version")
FAILURE = "An unknown error occurred"


@dataclass(kw_only=True)
class Incoming:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    base_url: str


@dataclass(kw_only=True)
class Outgoing:
    """`silence` is how the connection ends without an answer: None, "timeout" or "hangup"."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    silence: str | None = None
    seconds: float = 0.0


@dataclass(kw_only=True)
class Job:
    """A request whose caller and route are known: all that its execution needs."""

    incoming: Incoming
    entry: Entry
    route: routes.Route
    call: Call
    tree: dict[str, Any]


class Pipeline:
    def __init__(self, world: World) -> None:
        self.world = world
        self.idempotency = Idempotency(world.store)

    async def answer(self, incoming: Incoming) -> Outgoing:
        """The answer to one request, logged."""
        started = time.perf_counter()
        entry = self._entry(incoming)
        try:
            outgoing = await self._guarded(incoming, entry)
        except StripeError as problem:
            body = problem.body(request_id=entry.request_id)
            outgoing = Outgoing(status=problem.status, body=json.dumps(body), headers=_retry_hint(problem))
        entry.status = 0 if outgoing.silence else outgoing.status
        entry.error = json.loads(outgoing.body)["error"] if outgoing.status >= 400 else None
        entry.milliseconds = round((time.perf_counter() - started) * 1000, 2)
        outgoing.headers |= {"Request-Id": entry.request_id, "Stripe-Version": access.API_VERSION}
        if entry.idempotency_key:
            outgoing.headers["Idempotency-Key"] = entry.idempotency_key
        return outgoing

    def _entry(self, incoming: Incoming) -> Entry:
        tree = forms.parse(incoming.body if incoming.method == "POST" else incoming.query)
        return self.world.log.add(
            Entry(
                request_id=ids.new("request"),
                at=time.time(),
                method=incoming.method,
                path=incoming.path,
                params=redacted(tree),
                idempotency_key=incoming.headers.get("idempotency-key"),
            )
        )

    async def _guarded(self, incoming: Incoming, entry: Entry) -> Outgoing:
        """Key, route, version; then the faults of the network; then the idempotent execution."""
        tree = forms.parse(incoming.body if incoming.method == "POST" else incoming.query)
        key = access.key_of(incoming.headers) or tree.get("key")
        publishable = access.is_publishable(key=key, settings=self.world.settings)
        entry.publishable = publishable
        access.check_version(incoming.headers)
        access.check_account(incoming.headers, own=self.world.account_id)
        found = routes.match(method=incoming.method, path=incoming.path)
        if found is None:
            raise _unknown_route(incoming)
        route, path_ids = found
        if publishable and not route.browser:
            raise access.refuse_publishable()
        fault = self._fault(incoming, entry=entry, kinds=NETWORK_FAULTS)
        wait = (self.world.tuning.latency_ms / 1000) + (
            fault.seconds if fault and fault.kind == "delay" else 0
        )
        if fault and fault.kind != "delay":
            return _network_fault(fault)
        call = Call(
            world=self.world,
            ids=path_ids,
            publishable=publishable,
            request_id=entry.request_id,
            idempotency_key=entry.idempotency_key if incoming.method == "POST" else None,
            base_url=incoming.base_url,
        )
        job = Job(incoming=incoming, entry=entry, route=route, call=call, tree=tree)
        if call.idempotency_key:
            return await self._once(job, key=call.idempotency_key, wait=wait)
        await _pause(wait)
        return self._execute(job)

    async def _once(self, job: Job, *, key: str, wait: float) -> Outgoing:
        kept = self.idempotency.recall(
            key=key, path=job.incoming.path, params=job.tree, now=self.world.clock.now()
        )
        if kept:
            job.entry.replayed = True
            await _pause(wait)
            headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request}
            return Outgoing(status=kept.status, body=kept.body, headers=headers)
        self.idempotency.running.add(key)
        try:
            await _pause(wait)
            return self._execute(job)
        finally:
            self.idempotency.running.discard(key)

    def _fault(self, incoming: Incoming, *, entry: Entry, kinds: tuple[str, ...]) -> Fault | None:
        fault = self.world.faults.for_request(method=incoming.method, path=incoming.path, kinds=kinds)
        if fault:
            entry.fault = fault.kind
        return fault

    def _execute(self, job: Job) -> Outgoing:
        job.call.params = self._read(job)
        fault = self._fault(job.incoming, entry=job.entry, kinds=EXECUTION_FAULTS)
        if fault and fault.kind == "error_500_before":
            outgoing = _failure(job.call)
            with self.world.store.unit():
                self._keep(job, outgoing)
            return outgoing
        outgoing = self._run(job, failing=bool(fault and fault.kind == "error_500_after"))
        self.world.deliveries.wake()
        if fault and fault.kind in ("timeout_after", "hangup_after"):
            outgoing.silence, outgoing.seconds = fault.kind.removesuffix("_after"), fault.seconds
        return outgoing

    def _read(self, job: Job) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if job.call.publishable:
            extra = {name: job.tree[name] for name in BROWSER_PARAMETERS if name in job.tree}
        rest = {name: value for name, value in job.tree.items() if name not in extra}
        if job.call.publishable and isinstance(rest.get("payment_method_data"), dict):
            extra["payment_method_data"] = payment_methods.read_typed(
                job.call, rest.pop("payment_method_data")
            )
        params = self.world.catalog.read(name=job.route.params_class, tree=rest)
        for name in set(params) - job.route.takes:
            raise not_modelled(f"the parameter `{name}` of {job.route.method} {job.route.path}")
        return params | extra

    def _run(self, job: Job, *, failing: bool) -> Outgoing:
        """Handler, its followers and the kept answer in one transaction; errors that keep their effects commit."""
        call = job.call
        try:
            with self.world.store.unit():
                try:
                    outgoing = self._rendered(call, job.route.handler(call))
                except StripeError as problem:
                    if not problem.keeps_effects:
                        raise
                    outgoing = _refused(call, problem)
                for follower in call.followers:
                    follower(call)
                if failing:
                    outgoing = _failure(call)
                self._keep(job, outgoing)
        except StripeError as problem:
            outgoing = _refused(call, problem)
            with self.world.store.unit():
                self._keep(job, outgoing)
        return outgoing

    def _rendered(self, call: Call, body: Object) -> Outgoing:
        body = public(body)
        paths = call.params.get("expand")
        if paths:
            body = expand.apply(call, body=body, paths=paths)
        if call.publishable:
            self.world.catalog.confirm_partial(body)
        else:
            self.world.catalog.confirm(body)
        return Outgoing(status=200, body=json.dumps(body, separators=(",", ":")))

    def _keep(self, job: Job, outgoing: Outgoing) -> None:
        if job.call.idempotency_key:
            answer = Kept(status=outgoing.status, body=outgoing.body, request=str(job.call.request_id))
            self.idempotency.keep(
                key=job.call.idempotency_key,
                path=job.incoming.path,
                params=job.tree,
                answer=answer,
                now=self.world.clock.now(),
            )


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _refused(call: Call, problem: StripeError) -> Outgoing:
    return Outgoing(status=problem.status, body=json.dumps(problem.body(request_id=call.request_id)))


def _failure(call: Call) -> Outgoing:
    return _refused(call, StripeError(FAILURE, status=500, type="api_error"))


def _network_fault(fault: Fault) -> Outgoing:
    if fault.kind == "rate_limit":
        raise StripeError(
            "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
            status=429,
            code="rate_limit",
        )
    if fault.kind == "lock_timeout":
        raise StripeError(
            "This object cannot be accessed right now because another API request or Stripe process is currently "
            "accessing it. If you see this error intermittently, retry the request.",
            status=429,
            code="lock_timeout",
        )
    return Outgoing(
        status=504, body='{"error": {}}', silence=fault.kind.removesuffix("_before"), seconds=fault.seconds
    )


def _retry_hint(problem: StripeError) -> dict[str, str]:
    return (
        {"Stripe-Should-Retry": "true"} if problem.code in ("lock_timeout", "idempotency_key_in_use") else {}
    )


def _unknown_route(incoming: Incoming) -> StripeError:
    return StripeError(
        f"Unrecognized request URL ({incoming.method}: {incoming.path}). The sandbox models a part of Stripe's API: "
        "see sandbox/README.md.",
        status=404,
    )
