"""Stripe's test cards: what each number and each `pm_card_…` token does. Numbers outside this table are declined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Authentication = Literal["never", "always", "unless_set_up", "on_session_only"]
RefundOutcome = Literal["succeeds", "pending_then_succeeds", "succeeds_then_fails"]
Aftermath = Literal["none", "fraudulent", "product_not_received", "inquiry", "early_fraud_warning"]


@dataclass(frozen=True, kw_only=True)
class TestCard:
    """`decline` is the code of the refusal; `attaches` says whether a refused card may still be saved."""

    __test__ = False

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: str | None = None
    attaches: bool = True
    authentication: Authentication = "never"
    refund: RefundOutcome = "succeeds"
    available_at_once: bool = False
    aftermath: Aftermath = "none"
    risk: str = "normal"
    blocked: bool = False
    cvc_check: str = "pass"
    postal_code_check: str = "pass"
    line1_check: str = "pass"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]

    @property
    def network(self) -> str:
        return {"american_express": "amex", "diners_club": "diners"}.get(self.brand, self.brand)


@dataclass(frozen=True, kw_only=True)
class Decline:
    """How Stripe words a refusal: `code` for the error, `decline_code` when the issuer gave a reason."""

    code: str
    decline_code: str | None
    message: str
    param: str | None = None
    advice: str = "try_again_later"
    network_reason: str = "05"


DECLINES: dict[str, Decline] = {
    "generic_decline": Decline(
        code="card_declined", decline_code="generic_decline", message="Your card was declined."
    ),
    "insufficient_funds": Decline(
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        network_reason="51",
    ),
    "lost_card": Decline(
        code="card_declined",
        decline_code="lost_card",
        message="Your card was declined.",
        advice="do_not_try_again",
        network_reason="41",
    ),
    "stolen_card": Decline(
        code="card_declined",
        decline_code="stolen_card",
        message="Your card was declined.",
        advice="do_not_try_again",
        network_reason="43",
    ),
    "card_velocity_exceeded": Decline(
        code="card_declined",
        decline_code="card_velocity_exceeded",
        message="Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        network_reason="65",
    ),
    "fraudulent": Decline(
        code="card_declined",
        decline_code="fraudulent",
        message="Your card was declined.",
        advice="do_not_try_again",
        network_reason="59",
    ),
    "expired_card": Decline(
        code="expired_card",
        decline_code="expired_card",
        message="Your card has expired.",
        param="exp_month",
        advice="do_not_try_again",
        network_reason="54",
    ),
    "incorrect_cvc": Decline(
        code="incorrect_cvc",
        decline_code="incorrect_cvc",
        message="Your card's security code is incorrect.",
        param="cvc",
        advice="confirm_card_data",
        network_reason="N7",
    ),
    "processing_error": Decline(
        code="processing_error",
        decline_code="processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
        network_reason="96",
    ),
    "authentication_required": Decline(
        code="authentication_required",
        decline_code="authentication_required",
        message="Your card was declined. This transaction requires authentication.",
        network_reason="1A",
    ),
}


def _refusing(number: str, decline: str) -> TestCard:
    return TestCard(number=number, decline=decline, attaches=False)


CARDS: dict[str, TestCard] = {
    card.number: card
    for card in (
        TestCard(number="4242424242424242"),
        TestCard(number="4000056655665556", funding="debit"),
        TestCard(number="5555555555554444", brand="mastercard"),
        TestCard(number="2223003122003222", brand="mastercard"),
        TestCard(number="5200828282828210", brand="mastercard", funding="debit"),
        TestCard(number="5105105105105100", brand="mastercard", funding="prepaid"),
        TestCard(number="378282246310005", brand="american_express"),
        TestCard(number="371449635398431", brand="american_express"),
        TestCard(number="6011111111111117", brand="discover"),
        TestCard(number="3056930009020004", brand="diners_club"),
        TestCard(number="3566002020360505", brand="jcb", country="JP"),
        TestCard(number="6200000000000005", brand="unionpay", country="CN"),
        TestCard(number="4000008260000000", country="GB"),
        TestCard(number="4000002760000016", country="DE"),
        _refusing("4000000000000002", "generic_decline"),
        _refusing("4000000000009995", "insufficient_funds"),
        _refusing("4000000000009987", "lost_card"),
        _refusing("4000000000009979", "stolen_card"),
        _refusing("4000000000006975", "card_velocity_exceeded"),
        _refusing("4000000000000069", "expired_card"),
        _refusing("4000000000000127", "incorrect_cvc"),
        _refusing("4000000000000119", "processing_error"),
        TestCard(number="4000000000000341", decline="generic_decline"),
        TestCard(number="4100000000000019", decline="fraudulent", blocked=True, risk="highest"),
        TestCard(number="4000000000004954", risk="highest"),
        TestCard(number="4000000000009235", risk="elevated"),
        TestCard(number="4000000000000101", cvc_check="fail"),
        TestCard(number="4000000000000036", postal_code_check="fail"),
        TestCard(number="4000000000000010", postal_code_check="fail", line1_check="fail"),
        TestCard(number="4000000000000028", line1_check="fail"),
        TestCard(number="4000002760003184", authentication="always", country="DE"),
        TestCard(number="4000000000003220", authentication="always"),
        TestCard(number="4000002500003155", authentication="unless_set_up", country="FR"),
        TestCard(number="4000003800000446", authentication="on_session_only", country="HR"),
        TestCard(
            number="4000008260003178", authentication="always", decline="insufficient_funds", country="GB"
        ),
        TestCard(number="4000008400001629", authentication="always", decline="generic_decline"),
        TestCard(number="4000000000003055"),
        TestCard(number="4000000000007726", refund="pending_then_succeeds"),
        TestCard(number="4000000000005126", refund="succeeds_then_fails"),
        TestCard(number="4000000000000077", available_at_once=True),
        TestCard(number="4000000000000259", aftermath="fraudulent"),
        TestCard(number="4000000000002685", aftermath="product_not_received"),
        TestCard(number="4000000000001976", aftermath="inquiry"),
        TestCard(number="4000000000005423", aftermath="early_fraud_warning"),
    )
}

TOKENS: dict[str, str] = {
    "pm_card_visa": "4242424242424242",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_mastercard_debit": "5200828282828210",
    "pm_card_mastercard_prepaid": "5105105105105100",
    "pm_card_amex": "378282246310005",
    "pm_card_discover": "6011111111111117",
    "pm_card_diners": "3056930009020004",
    "pm_card_jcb": "3566002020360505",
    "pm_card_unionpay": "6200000000000005",
    "pm_card_us": "4242424242424242",
    "pm_card_gb": "4000008260000000",
    "pm_card_de": "4000002760000016",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "pm_card_chargeDeclinedFraudulent": "4100000000000019",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_radarBlock": "4100000000000019",
    "pm_card_riskLevelHighest": "4000000000004954",
    "pm_card_riskLevelElevated": "4000000000009235",
    "pm_card_cvcCheckFail": "4000000000000101",
    "pm_card_avsZipFail": "4000000000000036",
    "pm_card_avsFail": "4000000000000010",
    "pm_card_avsLine1Fail": "4000000000000028",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_threeDSecureRequired": "4000002760003184",
    "pm_card_threeDSecureOptional": "4000000000003055",
    "pm_card_threeDSecureRequiredChargeDeclined": "4000008400001629",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_createIssuerFraudRecord": "4000000000005423",
}
TOKENS |= {
    name.replace("pm_card_", "pm_card_visa_"): number
    for name, number in TOKENS.items()
    if name.startswith("pm_card_chargeDeclined")
}


def passes_luhn(number: str) -> bool:
    digits = [int(character) for character in reversed(number)]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
