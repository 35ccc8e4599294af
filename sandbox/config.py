"""Settings of one sandbox process. Read from the command line and the environment in `__main__`, nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-08-26.dahlia"
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator chose. `public_url` is empty when links should follow the request's Host header."""

    state_path: Path
    port: int
    secret_key: str
    publishable_key: str
    webhook_url: str = ""
    webhook_secret: str = ""
    public_url: str = ""
    account_name: str = "Sandbox Kitchen"


@dataclass
class Tuning:
    """Delays, in seconds of the sandbox clock, that the control API may change. Reset restores them."""

    balance_transaction_delay: float = 0.0
    pending_refund_delay: float = 10.0
    refund_failure_delay: float = 10.0
    refund_reference_delay: float = 5.0
    dispute_delay: float = 1.0
    dispute_decision_delay: float = 1.0
    payout_pending_delay: float = 3600.0
    payout_delay_days: int = 2
    latency_ms: float = 0.0
    webhook_timeout: float = 10.0
    webhook_concurrency: int = 4
