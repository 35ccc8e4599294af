"""Stripe's door: `POST /api/stripe/webhook` and `POST /api/stripe/webhook/<merchant>`.

Verify the signature over the raw body, store the event in one SQL statement, ring the doorbell, answer 200.
No Stripe call, no session, no user. What the event means is decided later, by a worker.

`WebhookMiddleware` stands first in settings.MIDDLEWARE and answers these paths itself, so that none of the
other middleware runs; the URL table does not know them. A refusal says why in words; the payload is never
logged. 503 asks Stripe to come again.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, DataError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from stripe import SignatureVerificationError, WebhookSignature

from core import doorbell, problems
from core.errors import DomainError
from payments import endpoints, inbox

logger = logging.getLogger(__name__)

PATH = re.compile(r"/api/stripe/webhook(?:/(?P<merchant>[-\w]{1,64}))?/?")
PREFIX = "/api/stripe/webhook"
MAX_BODY_BYTES = 1024 * 1024
TOLERANCE_SECONDS = 300
_RECEIVED = b'{"received": true}'

Answer = Callable[[HttpRequest], HttpResponse]


class Refused(DomainError):
    """This delivery is not accepted; sending the same again will not help."""

    code = "not_an_event"
    title = "The webhook was refused"


class TooLarge(Refused):
    code = "too_large"
    status = 413


class UnknownEndpoint(Refused):
    code = "unknown_endpoint"
    status = 404


class WrongMethod(Refused):
    code = "method_not_allowed"
    status = 405


class TryAgain(Refused):
    """We cannot store it at the moment. Stripe retries for days."""

    code = "unavailable"
    status = 503
    title = "Not available at the moment"


class WebhookMiddleware:
    """Answers Stripe before any other middleware is asked; passes everything else on."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX) and (match := PATH.fullmatch(request.path_info)):
            return receive(request, merchant=match["merchant"] or "")
        return self._get_response(request)


def receive(request: HttpRequest, *, merchant: str = "") -> HttpResponse:
    """The view. `merchant` is a slug or a public id; empty is the default endpoint."""
    try:
        _store(request, merchant=merchant)
    except Refused as refusal:
        logger.warning("Webhook for %s refused: %s", merchant or "the default endpoint", refusal.code)
        return _refusal(refusal)
    doorbell.ring(inbox.HANDLE_TASK)
    return HttpResponse(_RECEIVED, content_type="application/json")


def _store(request: HttpRequest, *, merchant: str) -> None:
    if request.method != "POST":
        raise WrongMethod("Stripe's events are posted here; nothing else is answered.")
    body = _body(request)
    header = request.headers.get("Stripe-Signature", "")
    try:
        endpoint_id = _verified_endpoint(merchant=merchant, body=body, header=header)
        _insert(endpoint_id=endpoint_id, body=body)
    except (DatabaseError, InterfaceError) as error:
        endpoints.forget()
        # The type alone: the database's message may quote the row.
        logger.error("A webhook could not be stored: %s", type(error).__name__)
        raise TryAgain("The event could not be stored. Send it again.") from error


def _body(request: HttpRequest) -> bytes:
    too_large = TooLarge("The body is larger than 1 MB, which no event of Stripe's is.")
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise too_large
        body = request.read(MAX_BODY_BYTES + 1)
    except (UnreadablePostError, ValueError) as error:
        raise Refused("The body could not be read to its end.", code="unreadable") from error
    if len(body) > MAX_BODY_BYTES:
        raise too_large
    return body


def _verified_endpoint(*, merchant: str, body: bytes, header: str) -> int:
    """The endpoint whose secret signed this body, now. Secrets may have been rotated since they were read."""
    for anew in (False, True):
        known = endpoints.at(merchant, anew=anew)
        for endpoint_id, secret in known:
            if _signed(body=body, header=header, secret=secret, tolerance=TOLERANCE_SECONDS):
                return endpoint_id
    if not known:
        raise UnknownEndpoint("No webhook endpoint is set up at this address.")
    if any(_signed(body=body, header=header, secret=secret, tolerance=None) for _, secret in known):
        raise Refused(
            f"The signature is older than {TOLERANCE_SECONDS} seconds. Is the clock right?",
            code="stale_timestamp",
        )
    raise Refused("The Stripe-Signature header does not match the body.", code="bad_signature")


def _signed(*, body: bytes, header: str, secret: str, tolerance: int | None) -> bool:
    if not header.isascii():
        return False
    try:
        WebhookSignature.verify_header(body, header, secret, tolerance)
    except (SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _insert(*, endpoint_id: int, body: bytes) -> None:
    text = body.decode()
    event = _parsed(text)
    row: dict[str, Any] = {
        "endpoint_id": endpoint_id,
        "stripe_event_id": event["id"],
        "type": event["type"],
        "api_version": event.get("api_version") or "",
        "account": event.get("account") or "",
        "livemode": event["livemode"],
        "stripe_created": datetime.fromtimestamp(event["created"], tz=UTC),
    }
    try:
        inbox.receive(**row, payload=text)
    except DataError:
        # JSON may hold characters that PostgreSQL's jsonb may not. Nothing is lost for that.
        try:
            inbox.receive(**row, payload=json.dumps(_storable(event), allow_nan=False))
        except (DataError, ValueError) as error:
            raise Refused("The event holds a value that cannot be stored.") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("The body is not JSON.", code="unparsable") from error
    if isinstance(event, dict) and event.get("object") == "v2.core.event":
        raise Refused("This is a thin event. Set the endpoint up for snapshot events.", code="thin_event")
    if not (isinstance(event, dict) and event.get("object") == "event" and _complete(event)):
        raise Refused("The body is JSON but not one of Stripe's events.")
    return event


def _complete(event: dict[str, Any]) -> bool:
    texts = [(event.get("id"), 255), (event.get("type"), 120)]
    optional = [(event.get("api_version"), 40), (event.get("account"), 64)]
    data, created = event.get("data"), event.get("created")
    return (
        all(isinstance(text, str) and 0 < len(text) <= limit for text, limit in texts)
        and all(text is None or (isinstance(text, str) and len(text) <= limit) for text, limit in optional)
        and isinstance(event.get("livemode"), bool)
        and type(created) is int
        and 0 <= created <= time.time() + 10**9
        and isinstance(data, dict)
        and isinstance(data.get("object"), dict)
    )


def _storable(value: Any) -> Any:
    """The same JSON without NUL and half surrogates."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _refusal(refusal: Refused) -> HttpResponse:
    body = problems.problem(
        status=refusal.status, code=refusal.code, title=refusal.title, detail=refusal.detail
    )
    headers = {"Allow": "POST"} if refusal.status == 405 else {}
    return HttpResponse(
        json.dumps(body), status=refusal.status, content_type=problems.MEDIA_TYPE, headers=headers
    )
