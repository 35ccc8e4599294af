"""The product that browser tests share: seeded, with its sandbox's webhooks arriving."""

import base64
import json
import time
import urllib.request

import psycopg
import pytest

from tests.fixtures import Product

pytestmark = pytest.mark.slow

HANDLED_SECONDS = 30
DONE = (("handled",), ("ignored",))  # nobody of ours: it depends on whether the mirror keeps such customers


def test_the_whole_product_is_seeded_and_answers(product: Product) -> None:
    for path in ("/", "/admin/login/"):
        with urllib.request.urlopen(f"{product.url}{path}", timeout=30) as answer:
            assert answer.status == 200, path
    username, password = product.staff_login
    signed_in = product.manage(
        "shell",
        "--no-imports",
        "-c",
        "from django.contrib.auth import authenticate; "
        f"print(authenticate(username={username!r}, password={password!r}))",
    )
    assert signed_in.strip() == username


def test_the_whole_product_says_that_it_is_ready(product: Product) -> None:
    with urllib.request.urlopen(f"{product.url}/healthz", timeout=30) as answer:
        assert json.load(answer) == {"status": "ok"}
    with urllib.request.urlopen(f"{product.url}/readyz", timeout=30) as answer:
        parts = ("status", "database", "migrations", "broker", "stripe_keys")
        assert json.load(answer) == dict.fromkeys(parts, "ok")


def test_its_sandbox_posts_webhooks_to_it_and_its_worker_handles_them(product: Product) -> None:
    key = base64.b64encode(f"{product.variables['STRIPE_SECRET_KEY']}:".encode()).decode()
    request = urllib.request.Request(
        f"{product.sandbox.url}/v1/customers",
        data=b"name=Webhook+Trial",
        headers={"Authorization": f"Basic {key}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        customer = json.load(answer)["id"]
    product.sandbox.wait_for_deliveries()
    address = product.database_url.replace("postgres://", "postgresql://")
    deadline = time.monotonic() + HANDLED_SECONDS
    state = None
    with psycopg.connect(address, autocommit=True) as connection:
        while state not in DONE and time.monotonic() < deadline:
            state = connection.execute(
                "select state from payments_webhookevent where payload #>> '{data,object,id}' = %s",
                [customer],
            ).fetchone()
            time.sleep(0.1)
    assert state in DONE
