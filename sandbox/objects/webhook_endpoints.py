"""Webhook endpoints. The secret is shown once, at creation."""

from __future__ import annotations

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.config import API_VERSION
from sandbox.store import Object, private, public

KIND = "webhook_endpoint"


def create(call: Call) -> Object:
    if call.params.get("connect"):
        raise errors.not_modelled("Connect (webhook endpoints with connect=true)")
    if call.params.get("api_version", API_VERSION) != API_VERSION:
        raise errors.not_modelled(f"API version {call.params['api_version']}")
    _check_url(call.params["url"])
    endpoint: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "api_version": call.params.get("api_version"),
        "application": None,
        "created": call.now,
        "description": call.params.get("description") or None,
        "enabled_events": call.params["enabled_events"],
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=call.params.get("metadata")),
        "status": "enabled",
        "url": call.params["url"],
    }
    private(endpoint)["secret"] = f"whsec_{ids.token(32)}"
    call.save(endpoint)
    call.world.endpoints_changed()
    return endpoint | {"secret": private(endpoint)["secret"]}


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise errors.StripeError(
            "Invalid URL: an explicit scheme (such as https) must be provided.",
            code="url_invalid",
            param="url",
        )


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def update(call: Call) -> Object:
    endpoint = call.find(kind=KIND, id=call.ids["id"])
    sent = call.params
    for name in ("url", "enabled_events", "description"):
        if name in sent:
            endpoint[name] = sent[name] or None
    _check_url(endpoint["url"])
    if "disabled" in sent:
        endpoint["status"] = "disabled" if sent["disabled"] else "enabled"
    endpoint["metadata"] = metadata.merged(current=endpoint["metadata"], sent=sent.get("metadata"))
    call.save(endpoint)
    call.world.endpoints_changed()
    return endpoint


def delete(call: Call) -> Object:
    endpoint = call.find(kind=KIND, id=call.ids["id"])
    call.world.store.delete(endpoint["id"])
    call.world.endpoints_changed()
    return {"id": endpoint["id"], "object": KIND, "deleted": True}


def page(call: Call) -> Object:
    return listing.page(call, type=KIND, url="/v1/webhook_endpoints")


def configured(call: Call, *, url: str, secret: str | None) -> Object:
    """Moves the endpoint that the environment configured: for the control API."""
    return public(call.world.set_configured_endpoint(url=url, secret=secret))
