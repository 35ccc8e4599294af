"""What a declined card means to the person who holds it, by Stripe's decline code or error code.

Lost, stolen and blocked cards are told like any decline: Stripe asks for that, and the bank alone may say more.
"""

from collections.abc import Mapping

SAFE = "Nothing was charged, and your date is still held."

_USE_ANOTHER = "Please use another card, or ask your bank why."
_CHECK = "Please check it and try again."


def _advice(title: str, what_to_do: str) -> dict[str, str]:
    return {"title": title, "text": f"{what_to_do} {SAFE}"}


ADVICE: Mapping[str, Mapping[str, str]] = {
    "default": _advice("The card was declined", _USE_ANOTHER),
    "generic_decline": _advice("The bank declined the card", _USE_ANOTHER),
    "do_not_honor": _advice("The bank declined the card", _USE_ANOTHER),
    "insufficient_funds": _advice(
        "The card does not have enough funds",
        "Please use another card, or try again after topping this one up.",
    ),
    "withdrawal_count_limit_exceeded": _advice("The card is at its limit", _USE_ANOTHER),
    "card_velocity_exceeded": _advice("The card is at its limit", _USE_ANOTHER),
    "expired_card": _advice("The card has expired", "Please check the expiry date, or use another card."),
    "incorrect_number": _advice("The card number is not right", _CHECK),
    "invalid_number": _advice("The card number is not right", _CHECK),
    "incorrect_cvc": _advice(
        "The security code is not right", "Please check the code on the card and try again."
    ),
    "invalid_cvc": _advice(
        "The security code is not right", "Please check the code on the card and try again."
    ),
    "invalid_expiry_month": _advice("The expiry date is not right", _CHECK),
    "invalid_expiry_year": _advice("The expiry date is not right", _CHECK),
    "incorrect_zip": _advice("The postal code does not match the card", _CHECK),
    "processing_error": _advice(
        "The bank could not process the card just now", "Please try again in a minute, or use another card."
    ),
    "issuer_not_available": _advice(
        "The bank does not answer just now", "Please try again in a minute, or use another card."
    ),
    "card_not_supported": _advice("This kind of card cannot be used here", "Please use another card."),
    "currency_not_supported": _advice("The card does not take this currency", "Please use another card."),
    "authentication_required": _advice(
        "Your bank wants to make sure it is you",
        "Please try again and confirm the payment when your bank asks.",
    ),
    "payment_intent_authentication_failure": _advice(
        "Your bank could not confirm that it was you", "Please try again, or use another card."
    ),
    "card_gone": _advice("This card cannot be used any more", _USE_ANOTHER),
    "unreachable": {
        "title": "The payment service does not answer",
        "text": "Please check your connection and try again. You will not be charged twice.",
    },
}
