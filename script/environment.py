"""The variables that the product's processes get. What the person set always wins, except for the sandbox's keys."""

import os
import shlex
from collections.abc import Mapping

from script.console import Refusal
from script.state import State

SHOWN_TO_SHELLS = [
    "ENVIRONMENT",
    "DJANGO_SETTINGS_MODULE",
    "DATABASE_URL",
    "REDIS_URL",
    "SITE_URL",
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "STRIPE_API_BASE",
    "STRIPE_JS_URL",
    "EMAIL_FILE_PATH",
]


def refuse_production(given: Mapping[str, str]) -> None:
    if given.get("ENVIRONMENT", "development") != "development":
        raise Refusal(
            f"ENVIRONMENT is {given['ENVIRONMENT']} and script/server is for development only: "
            "unset it, or deploy as docs/deployment.md says."
        )
    if "_live_" in given.get("STRIPE_SECRET_KEY", ""):
        raise Refusal(
            "STRIPE_SECRET_KEY is a live key, which moves real money: "
            "use a test key (sk_test_…), or unset it to use the sandbox."
        )


def chosen_port(given: Mapping[str, str]) -> int:
    text = given.get("PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Refusal(f"PORT is {text}, which is no port: choose a number from 1024 to 65535.")
    if int(text) < 1024 and os.geteuid() != 0:
        raise Refusal(f"PORT {text} needs root: choose a number from 1024 to 65535.")
    return int(text)


def for_development(*, state: State, port: int) -> dict[str, str]:
    outbox, static = state.path / "outbox", state.path / "static"
    for folder in (outbox, static):
        folder.mkdir(exist_ok=True)
    keys = state.keys()
    wanted = {
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "SITE_URL": f"http://127.0.0.1:{port}",
        "EMAIL_FILE_PATH": str(outbox),
        "STATIC_ROOT": str(static),
        "SECRET_KEY": keys["SECRET_KEY"],
        "FIELD_ENCRYPTION_KEYS": keys["FIELD_ENCRYPTION_KEYS"],
    }
    return {name: os.environ.get(name) or value for name, value in wanted.items()}


def for_sandbox(*, state: State, sandbox_port: int, port: int) -> dict[str, str]:
    """Both sides of the sandbox: what the product calls it with, and where it sends its webhooks."""
    keys = state.keys()
    address = f"http://127.0.0.1:{sandbox_port}"
    return {
        "STRIPE_SECRET_KEY": keys["STRIPE_SECRET_KEY"],
        "STRIPE_PUBLISHABLE_KEY": keys["STRIPE_PUBLISHABLE_KEY"],
        "STRIPE_WEBHOOK_SECRETS": keys["STRIPE_WEBHOOK_SECRETS"],
        "STRIPE_API_BASE": address,
        "STRIPE_JS_URL": f"{address}/js/stripe.js",
        "SANDBOX_SECRET_KEY": keys["STRIPE_SECRET_KEY"],
        "SANDBOX_PUBLISHABLE_KEY": keys["STRIPE_PUBLISHABLE_KEY"],
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/api/stripe/webhook",
        "SANDBOX_WEBHOOK_SECRET": keys["STRIPE_WEBHOOK_SECRETS"],
    }


def require_test_keys(variables: Mapping[str, str]) -> None:
    """With Stripe's own key, the other two must be Stripe's too: the sandbox's stand-ins would be refused there."""
    missing = [
        name for name in ("STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRETS") if not variables.get(name)
    ]
    if missing:
        raise Refusal(
            f"STRIPE_SECRET_KEY is set but {' and '.join(missing)} not: set all three from Stripe's dashboard, "
            "or unset STRIPE_SECRET_KEY to use the sandbox."
        )


def write_for_shells(*, state: State, variables: Mapping[str, str]) -> None:
    """`. .dev/env` gives a shell the running product's variables: manage.py and psql work as they do for it."""
    path = state.path / "env"
    path.unlink(missing_ok=True)
    lines = [
        f"export {name}={shlex.quote(variables[name])}\n" for name in SHOWN_TO_SHELLS if name in variables
    ]
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(lines)
