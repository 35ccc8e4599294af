"""The smallest amount that Stripe charges a card with, by currency: https://docs.stripe.com/currencies#minimum."""

from collections.abc import Mapping

_SMALLEST: Mapping[str, int] = {
    "aed": 200,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
}


def card_minor(currency: str) -> int:
    """In minor units. Of a currency that Stripe names no minimum for, 1: it may still refuse."""
    return _SMALLEST.get(currency, 1)
