"""Idempotency-Key on POSTs that create or move something: one click, one effect, the same answer again.

`@idempotent(route="…")` goes on a DRF view's `post`. Scoped by principal, merchant and route; kept 24
hours. Same key and body: status and body are repeated with `Idempotent-Replayed: true`. Same key, another
body: 422. Still in flight: 409, until its lease ends (the process died) and the repeat takes over; a 5xx, and
what refuses the person rather than the request (401, 403, 429: prove yourself, then repeat), give the key
back. The use cases behind are repeatable by themselves, so a takeover can at worst do what a second click does.

Secrets are not stored: the view names them in `secrets` and gives `refresh`, which fetches them anew for a
repeat.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate

from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from core import clock
from core.errors import Conflict, DomainError, Invalid
from core.models import IdempotencyRecord
from core.problems import MEDIA_TYPE, REFUSALS

if TYPE_CHECKING:
    from rest_framework.views import APIView  # Reads its defaults from settings, which may name our callers.

KEPT = timedelta(hours=24)
# Longer than the longest request: gateway time-outs with their retries included.
LEASE = timedelta(seconds=120)
MAX_KEY_LENGTH = 255
# Anonymous callers share one principal, so their keys must not be guessable: a UUID has 36.
MIN_ANONYMOUS_KEY_LENGTH = 16
ANONYMOUS = "anonymous"

PostMethod = Callable[Concatenate[Any, Request, ...], Response]
Refresh = Callable[[Any, Request, dict[str, Any]], dict[str, Any]]


class BadKey(DomainError):
    """The header's value cannot serve as a key."""

    code = "idempotency_key_invalid"
    title = "The Idempotency-Key cannot be used"


class KeyInFlight(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_key_in_flight"
    title = "The first request with this Idempotency-Key is still being handled"


class KeyReused(Invalid):
    """The key belongs to another request."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key it is, and for what."""

    principal: str
    merchant_id: int
    route: str
    key: str


def idempotent(
    *, route: str, secrets: tuple[str, ...] = (), refresh: Refresh | None = None
) -> Callable[[PostMethod], PostMethod]:
    """Decorate a DRF view's method. A view with `idempotency_scope(request) -> (principal, merchant id or
    0)` says who asks; otherwise it is the logged-in user, or anonymous. `secrets`: top-level members kept
    out of the store; `refresh(view, request, stored)` returns the body with them again.
    """
    if bool(secrets) != bool(refresh):
        raise TypeError("Secrets left out of the store must be fetched anew: give both or neither.")

    def decorate(method: PostMethod) -> PostMethod:
        @wraps(method)
        def call(view: "APIView", request: Request, *args: Any, **kwargs: Any) -> Response:
            scope = _scope(view, request=request, route=route)
            if scope is None:
                return method(view, request, *args, **kwargs)
            record = _claim(scope, fingerprint=_fingerprint(request))
            if record.state == IdempotencyRecord.State.DONE:
                return _replay(record, view=view, request=request, refresh=refresh)
            return _answer(
                record, view=view, act=lambda: method(view, request, *args, **kwargs), secrets=secrets
            )

        # Where the API's schema looks.
        call.idempotent_route = route  # type: ignore[attr-defined]
        return call

    return decorate


_NOT_BEGUN = frozenset({401, 403, 429})


def forget_expired() -> int:
    """Delete records past their 24 hours; how many."""
    return IdempotencyRecord.objects.filter(expires_at__lt=clock.now()).delete()[0]


def _scope(view: Any, *, request: Request, route: str) -> Scope | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if hasattr(view, "idempotency_scope"):
        principal, merchant_id = view.idempotency_scope(request)
    else:
        user = request.user
        principal, merchant_id = (f"user:{user.pk}" if user and user.is_authenticated else ANONYMOUS), 0
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise BadKey(f"Send 1 to {MAX_KEY_LENGTH} printable ASCII characters, best a UUID.")
    if principal == ANONYMOUS and len(key) < MIN_ANONYMOUS_KEY_LENGTH:
        raise BadKey(f"Without login a key needs {MIN_ANONYMOUS_KEY_LENGTH} characters or more, best a UUID.")
    return Scope(principal=principal, merchant_id=merchant_id, route=route, key=key)


class _BodyEncoder(JSONEncoder):
    """A file counts by its content."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, UploadedFile):
            digest = hashlib.sha256(obj.read()).hexdigest()
            obj.seek(0)
            return digest
        return super().default(obj)


def _fingerprint(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, cls=_BodyEncoder)
    return hashlib.sha256(f"{request.method} {request.get_full_path()}\n{body}".encode()).hexdigest()


_INSERT = """
INSERT INTO core_idempotencyrecord
    (principal, merchant_id, route, key, fingerprint, state, lease_until, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, 'in_flight', %s, %s, %s)
ON CONFLICT (principal, merchant_id, route, key) DO NOTHING RETURNING id
"""


def _claim(scope: Scope, *, fingerprint: str) -> IdempotencyRecord:
    """Our record in flight, or the finished one to repeat; KeyInFlight, KeyReused."""
    now = clock.now()
    for _again in range(3):
        with transaction.atomic():
            inserted = _insert(scope, fingerprint=fingerprint, now=now)
            record = IdempotencyRecord.objects.select_for_update(no_key=True).filter(**asdict(scope)).first()
            if record is None:
                continue  # Released (a 5xx) between our INSERT, which met it, and our SELECT.
            if not inserted:
                _take_over(record, fingerprint=fingerprint, now=now)
            return record
    raise KeyInFlight("Wait a moment, then repeat the same request with the same key.")


def _insert(scope: Scope, *, fingerprint: str, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*astuple(scope), fingerprint, now + LEASE, now, now + KEPT])
        return cursor.fetchone() is not None


def _take_over(record: IdempotencyRecord, *, fingerprint: str, now: datetime) -> None:
    """Decide what a key seen before means; renews the record when its day or its process is over."""
    expired = record.expires_at <= now
    if not expired:
        if record.fingerprint != fingerprint:
            raise KeyReused("Use a new key for a new request.")
        if record.state == IdempotencyRecord.State.DONE:
            return
        if record.lease_until > now:
            raise KeyInFlight("Wait a moment, then repeat the same request with the same key.")
    record.fingerprint = fingerprint
    record.state = IdempotencyRecord.State.IN_FLIGHT
    record.response_status = record.response_body = None
    record.lease_until = now + LEASE
    if expired:
        record.expires_at = now + KEPT
    record.save()


def _answer(
    record: IdempotencyRecord, *, view: "APIView", act: Callable[[], Response], secrets: tuple[str, ...]
) -> Response:
    # Only the holder of the lease may write: after a takeover the first process's late answer changes
    # nothing.
    ours = IdempotencyRecord.objects.filter(
        pk=record.pk, lease_until=record.lease_until, state=IdempotencyRecord.State.IN_FLIGHT
    )
    keep = False
    try:
        try:
            response = act()
        except REFUSALS as refusal:
            response = view.handle_exception(refusal)
        keep = response.status_code < 500 and response.status_code not in _NOT_BEGUN
    finally:
        if not keep:
            ours.delete()
    if keep:
        body = json.loads(json.dumps(response.data, cls=JSONEncoder))
        if isinstance(body, dict):
            body = {name: value for name, value in body.items() if name not in secrets}
        ours.update(
            state=IdempotencyRecord.State.DONE, response_status=response.status_code, response_body=body
        )
    return response


def _replay(
    record: IdempotencyRecord, *, view: "APIView", request: Request, refresh: Refresh | None
) -> Response:
    status, body = record.response_status, record.response_body
    assert status is not None
    if refresh is not None and status < 300 and body is not None:
        body = refresh(view, request, body)
    content_type = MEDIA_TYPE if status >= 400 else None
    return Response(body, status=status, headers={"Idempotent-Replayed": "true"}, content_type=content_type)
