"""How many webhooks are acknowledged per second, beside dj-stripe's own view and a bare WSGI application.

Each peer: gunicorn, two synchronous workers, one PostgreSQL, the same deliveries from the same eight clients, Stripe
at 0 ms. Targets: >= 10x dj-stripe's view, >= 2.5x its store-only callback, >= 0.5 of bare WSGI; p99 below 50 ms
at half of our peak. BENCH_SECONDS: how long each peer is measured, in each of three rounds.
"""

import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from script.bench import Figure
from script.benches.webhook_peers import deliveries
from script.benches.webhook_peers.prepare import prepare
from script.console import ROOT

CLIENTS = 8
# In turns, each peer's best: what else the machine does hits all alike.
ROUNDS = 3
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
OURS = "/api/stripe/webhook"
PEERS = {
    "ours": ("config.wsgi", "config.settings"),
    "bare": ("script.benches.webhook_peers.bare", "config.settings"),
    "djstripe_store": ("config.wsgi", "script.benches.webhook_peers.peer_settings"),
    "djstripe": ("config.wsgi", "script.benches.webhook_peers.peer_settings"),
}
TARGETS = {"djstripe": 10.0, "djstripe_store": 2.5, "bare": 0.5}


def figures() -> Iterator[Figure]:
    """Events per second of each peer, our ratios to them, and our p99 at half of our peak."""
    with stripe_at_once() as stripe_port:
        environment = _environment(stripe_port)
        path = prepare()
        peak = dict.fromkeys(PEERS, 0.0)
        for _ in range(ROUNDS):
            for peer in PEERS:
                posted_to = path if peer.startswith("djstripe") else OURS
                peak[peer] = max(peak[peer], _peak(peer, environment=environment, path=posted_to))
        with _server("ours", environment) as port:
            _load(port=port, path=OURS, seconds=1)
            latencies = _load(port=port, path=OURS, seconds=SECONDS, rate=peak["ours"] / 2)
    for peer, rate in peak.items():
        yield Figure(name=peer, value=round(rate, 1), unit="events/s", lower_is_better=False)
    for peer, target in TARGETS.items():
        ratio = round(peak["ours"] / peak[peer], 2)
        yield Figure(name=f"ours / {peer}", value=ratio, unit="ratio", target=target, lower_is_better=False)
    p99 = round(quantiles(latencies, n=100)[98] * 1000, 1)
    yield Figure(name="p99 at half of our peak", value=p99, unit="ms", target=50)


def _environment(stripe_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "ENVIRONMENT": "development",
        "CONN_MAX_AGE": "60",
        "CELERY_QUEUE": "bench",
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "LOG_LEVEL": "CRITICAL",
        "PYTHONWARNINGS": "ignore",
    }


def _peak(peer: str, *, environment: dict[str, str], path: str) -> float:
    with _server(peer, environment) as port:
        _load(port=port, path=path, seconds=1)
        return len(_load(port=port, path=path, seconds=SECONDS)) / SECONDS


@contextmanager
def _server(peer: str, environment: dict[str, str]) -> Iterator[int]:
    module, settings = PEERS[peer]
    command = [sys.executable, "-m", "gunicorn", module, "--workers", "2", "--no-control-socket", "--preload"]
    variables = {**environment, "DJANGO_SETTINGS_MODULE": settings, "BENCH_PEER": peer}
    with _process([*command, "--log-level", "critical", "--bind"], variables=variables, host=True) as port:
        yield port


@contextmanager
def stripe_at_once() -> Iterator[int]:
    command = [sys.executable, "-m", "script.benches.webhook_peers.stripe_at_once"]
    with _process(command, variables=dict(os.environ), host=False) as port:
        yield port


@contextmanager
def _process(command: list[str], *, variables: dict[str, str], host: bool) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [*command, f"127.0.0.1:{port}" if host else str(port)], cwd=ROOT, env=variables
    )
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("A server of the bench did not start.")


def _load(*, port: int, path: str, seconds: float, rate: float = 0.0) -> list[float]:
    """Deliver for so long, as fast as answers come or at `rate` per second; the seconds each answer took.

    At a rate an answer's time counts from when the delivery was due, not from when a client was free for it.
    """
    due: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    def client() -> None:
        while True:
            start = due.get() if rate else time.perf_counter()
            if start is None or start >= ends:
                return
            latencies.append(_deliver(port=port, path=path) - start)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    if rate:
        _pace(due, rate=rate, ends=ends)
    for thread in clients:
        thread.join()
    return latencies


def _pace(due: "queue.SimpleQueue[float | None]", *, rate: float, ends: float) -> None:
    moment = time.perf_counter()
    while moment < ends:
        time.sleep(max(0.0, moment - time.perf_counter()))
        due.put(moment)
        moment += 1 / rate
    for _ in range(CLIENTS):
        due.put(None)


def _deliver(*, port: int, path: str) -> float:
    request = deliveries.request(port=port, path=path)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    done = time.perf_counter()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{path} answered {answer[:200]!r}")
    return done
