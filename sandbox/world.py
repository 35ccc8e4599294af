"""Everything one sandbox process holds: state, clock, schemas, faults, deliveries, request log."""

from __future__ import annotations

from sandbox import ids
from sandbox.clock import Clock
from sandbox.config import API_VERSION, Settings, Tuning
from sandbox.faults import Faults
from sandbox.request_log import RequestLog
from sandbox.schema.catalog import Catalog, load
from sandbox.selection import Selection
from sandbox.store import Object, Store, private
from sandbox.webhooks import Deliveries


class World:
    """Made once at start; handed to every call."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.state_path)
        self.catalog: Catalog = load(settings.state_path.parent)
        self.clock = Clock(float(self.store.meta("clock_offset") or 0))
        self.tuning = Tuning()
        self.faults = Faults()
        self.log = RequestLog()
        self.deliveries = Deliveries(self)
        self.account_id = ids.derived(prefix="acct_1", seed=settings.secret_key)
        self.started_at = int(self.clock.now())
        self._endpoints: list[Object] | None = None
        with self.store.unit():
            self._furnish()

    def _furnish(self) -> None:
        """What is there before the first request: the configured webhook endpoint."""
        if self.settings.webhook_url:
            self.set_configured_endpoint(url=self.settings.webhook_url)

    def endpoints(self) -> list[Object]:
        if self._endpoints is None:
            self._endpoints = self.store.select(Selection(type="webhook_endpoint"))
        return self._endpoints

    def endpoints_changed(self) -> None:
        self._endpoints = None

    def set_configured_endpoint(self, *, url: str, secret: str | None = None) -> Object:
        """Creates or moves the endpoint that the environment configures. Runs inside a unit of work."""
        id = ids.derived(prefix="we_1", seed=self.settings.secret_key + "endpoint", length=24)
        endpoint = self.store.get(id) or {
            "id": id,
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": None,
            "created": int(self.clock.now()),
            "description": "Configured when the sandbox was started",
            "enabled_events": ["*"],
            "livemode": False,
            "metadata": {},
        }
        endpoint |= {"url": url, "status": "enabled"}
        private(endpoint)["secret"] = secret or self.settings.webhook_secret
        self.store.save(endpoint)
        self.endpoints_changed()
        return endpoint

    def advance(self, seconds: float) -> None:
        """Moves the clock; runs inside a unit of work."""
        self.clock.advance(seconds)
        self._keep_clock()

    def put_clock_to(self, moment: float | None) -> None:
        """Puts the clock to a moment, real time's for None; runs inside a unit of work."""
        if moment is None:
            self.clock.offset = 0.0
        else:
            self.clock.put_to(moment)
        self._keep_clock()

    def _keep_clock(self) -> None:
        self.store.set_meta(key="clock_offset", value=repr(self.clock.offset))

    def reset(self) -> None:
        """Back to the state of a fresh start, keeping the account and the configured endpoint."""
        self.faults.clear()
        self.log.clear()
        self.deliveries.clear()
        self.tuning = Tuning()
        self.clock.offset = 0.0
        with self.store.unit():
            self.store.clear()
            self.store.set_meta(key="clock_offset", value="0.0")
            self.endpoints_changed()
            self._furnish()

    def close(self) -> None:
        self.store.close()
