"""Amounts Stripe accepts: integers in minor units, between the currency's minimum and eight digits."""

from __future__ import annotations

from decimal import Decimal

from sandbox.errors import StripeError

MINIMUM_MINOR = {
    "usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "nzd": 50, "chf": 50, "sgd": 50, "brl": 50,
    "jpy": 50, "mxn": 1000, "inr": 50, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "hkd": 400,
}  # fmt: skip
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
ZERO_DECIMAL = {"jpy"}
GREATEST_MINOR = 99_999_999


def check_currency(currency: str) -> str:
    lowered = currency.lower()
    if lowered not in MINIMUM_MINOR:
        raise StripeError(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(MINIMUM_MINOR))}",
            param="currency",
        )
    return lowered


def check_amount(amount_minor: int, *, currency: str, param: str = "amount") -> None:
    if amount_minor < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    if amount_minor < MINIMUM_MINOR[currency]:
        least = spoken(MINIMUM_MINOR[currency], currency=currency)
        raise StripeError(f"Amount must be at least {least} {currency}", code="amount_too_small", param=param)
    if amount_minor > GREATEST_MINOR:
        most = spoken(GREATEST_MINOR, currency=currency)
        raise StripeError(
            f"Amount must be no more than {most} {currency}", code="amount_too_large", param=param
        )


def spoken(amount_minor: int, *, currency: str) -> str:
    """As Stripe's messages write amounts: `$1,080.00`."""
    number = f"{amount_minor:,}" if currency in ZERO_DECIMAL else f"{Decimal(amount_minor) / 100:,.2f}"
    return f"{SYMBOLS.get(currency, '')}{number}"
