"""`/healthz`: the process answers. `/readyz`: it can serve: the database answers and every migration is applied.

For load balancers and supervisors, which ask by address, without TLS and often: so the middleware answers before
hosts are checked and requests redirected, without session or user. The body names what is wrong in words, never an
address or an error's text. The broker and whose keys are in use are reported, not required.
"""

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config import redis_address
from payments.models import GatewayAccount

OK = "ok"
BROKER_SECONDS = 0.2

Answer = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """Answers the two paths itself; passes everything else on."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return self._get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        answer = probe()
        answer.headers["Cache-Control"] = "no-store"
        return answer


def alive() -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": OK})


def ready() -> HttpResponse:
    """200 when requests can be served, else 503. Three SQL statements, one word to the broker."""
    database, migrations = _schema()
    is_ready = database == OK and migrations == OK
    found = {
        "status": OK if is_ready else "not ready",
        "database": database,
        "migrations": migrations,
        "broker": _broker(),
        "stripe_keys": _stripe_keys() if is_ready else "unknown",
    }
    return JsonResponse(found, status=200 if is_ready else 503)


PROBES: dict[str, Callable[[], HttpResponse]] = {"/healthz": alive, "/readyz": ready}


def _schema() -> tuple[str, str]:
    """How the database and its migrations do. A database without the table of migrations has none applied."""
    recorder = MigrationRecorder(connection)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
            (is_migrated,) = cursor.fetchone()
        applied = set(recorder.migration_qs.values_list("app", "name")) if is_migrated else set()
    except DatabaseError:
        return "does not answer", "unknown"
    missing = [
        key
        for key, replaced in _wanted().items()
        if key not in applied and not (replaced and replaced <= applied)
    ]
    return OK, f"{len(missing)} to apply" if missing else OK


def _stripe_keys() -> str:
    """As the workers last found them (payments/keys.py); reported, for everything but cards goes on."""
    foreign = GatewayAccount.objects.exclude(foreign_account_id="").count()
    return f"{foreign} of another account" if foreign else OK


@cache
def _wanted() -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    """Each migration on disk, with those that stand for it when it is a squashed one. Read once per process."""
    loader = MigrationLoader(None)
    return {
        key: frozenset((app, name) for app, name in migration.replaces)
        for key, migration in loader.graph.nodes.items()
        if migration is not None
    }


def _broker() -> str:
    broker = Redis.from_url(
        redis_address.for_clients(settings.CELERY_BROKER_URL),
        socket_timeout=BROKER_SECONDS,
        socket_connect_timeout=BROKER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        broker.ping()
    except (RedisError, OSError):
        return "does not answer"
    finally:
        broker.close()
    return OK
