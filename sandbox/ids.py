"""Object ids that look like Stripe's. Not secrets, but unique for the life of a state file."""

from __future__ import annotations

import hashlib
import random
import string

ALPHABET = string.ascii_letters + string.digits
SHAPES = {
    "payment_intent": ("pi_3", 23),
    "charge": ("ch_3", 23),
    "refund": ("re_3", 23),
    "balance_transaction": ("txn_3", 23),
    "checkout.session": ("cs_test_a1", 56),
    "setup_intent": ("seti_1", 23),
    "payment_method": ("pm_1", 23),
    "customer": ("cus_", 14),
    "dispute": ("du_1", 23),
    "billing_portal.session": ("bps_1", 23),
    "payout": ("po_1", 23),
    "radar.early_fraud_warning": ("issfr_1", 23),
    "event": ("evt_1", 23),
    "webhook_endpoint": ("we_1", 23),
    "payment_method_configuration": ("pmc_1", 23),
    "invoice": ("in_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "invoiceitem": ("ii_1", 23),
    "item": ("li_1", 23),
    "line_item": ("il_1", 23),
    "tax_rate": ("txr_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "request": ("req_", 14),
}
_random = random.SystemRandom()


def token(length: int) -> str:
    return "".join(_random.choices(ALPHABET, k=length))


def new(kind: str) -> str:
    prefix, length = SHAPES[kind]
    return prefix + token(length)


def derived(*, prefix: str, seed: str, length: int = 16) -> str:
    """An id that is the same whenever the seed is: the account's, the configured webhook endpoint's."""
    digest = hashlib.sha256(seed.encode()).digest()
    return prefix + "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest)[:length]
