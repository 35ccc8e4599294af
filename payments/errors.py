"""What can go wrong with money, by name. Every message is safe to show to the person who asked."""

from core.errors import Conflict, DomainError, Forbidden, Invalid, Unavailable


class InsideTransaction(RuntimeError):
    """Stripe was about to be called while a database transaction was open: a bug, never shown."""


class GatewayUnknown(Unavailable):
    """No answer, or one that does not say whether it was done. The outcome is asked for later, never assumed."""

    code = "gateway_unknown"
    title = "The payment service has not answered yet. Nothing is lost, and you will not be charged twice."
    staff_title = (
        "Stripe has not answered clearly. What became of it is looked up by itself; nothing is done twice."
    )


class GatewayStoredFailure(GatewayUnknown):
    """Stripe answered with an error of its own (>= 500) and will repeat it for this idempotency key."""


class GatewayKeyReused(GatewayStoredFailure):
    """The idempotency key was used before with other parameters: what that made, if anything, must be looked for."""


class GatewayBusy(Unavailable):
    """Stripe refused for now (rate limit, lock, key in use): nothing was done."""

    code = "gateway_busy"
    title = "The payment service is busy. Please try again in a moment."
    staff_title = "Stripe is busy and did nothing. Try again in a moment."


class GatewayMisconfigured(Unavailable):
    """Keys or settings are wrong: nothing was done, and a person has to mend it."""

    code = "gateway_misconfigured"
    title = "Card payments are not available right now. Please choose another way to pay, or call us."
    staff_title = (
        "Stripe's keys or settings are missing or wrong: nothing was done. See the Stripe account's page."
    )


class GatewayRefused(DomainError):
    """Stripe said no, and nothing was done. `reason` is Stripe's code, `decline_code` the bank's."""

    code = "gateway_refused"
    status = 402
    title = "The payment service refused this request."

    def __init__(
        self, detail: str = "", *, reason: str = "", decline_code: str = "", payload: object = None
    ) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason
        self.decline_code = decline_code
        self.payload = payload

    def lacks(self, param: str) -> bool:
        """Whether Stripe does not have the object named by this parameter: deleted, or another account's."""
        named = self.payload.get("param") if isinstance(self.payload, dict) else ""
        return self.reason == "resource_missing" and named == param


class NothingToPay(Conflict):
    code = "nothing_to_pay"
    title = "There is nothing to pay here."


class TooSmallForCard(NothingToPay):
    code = "too_small_for_card"
    title = "This amount is too small to be paid by card."


class AlreadyPaid(NothingToPay):
    code = "already_paid"
    title = "This has been paid already. Thank you."


class PaymentInProgress(Conflict):
    code = "payment_in_progress"
    title = "A payment for this is on its way. We will tell you when it has arrived."


class AlreadyAuthorized(PaymentInProgress):
    code = "already_authorized"
    title = (
        "Your card has been authorized for this. Nothing more is to be done: you are charged when we confirm."
    )


class MayNotAuthorize(Forbidden):
    code = "authorization_not_offered"
    title = "Cards are charged at once here; authorizing them is for staff."


class NotCapturable(Conflict):
    code = "not_capturable"
    title = "There is no authorization that could be captured."


class CaptureTooLarge(Invalid):
    code = "capture_too_large"
    title = "That is more than was authorized, or more than is still due."


class NotVoidable(Conflict):
    code = "not_voidable"
    title = "There is no authorization that could be released."


class EmailNotVerified(Forbidden):
    code = "email_not_verified"
    title = "Please sign in with a link from an e-mail first: cards are kept only for people we know."


class CardNotUsable(Conflict):
    code = "card_not_usable"
    title = "This card cannot be charged."


class CardDeclined(GatewayRefused):
    """The bank said no; the payment stays open for another card. `payment` is its public id."""

    code = "card_declined"
    title = "The card was declined. Nothing was charged."

    def __init__(self, detail: str = "", *, reason: str, decline_code: str, payment: str) -> None:
        super().__init__(detail, reason=reason, decline_code=decline_code)
        self.extra |= {"decline_code": decline_code, "payment": payment}


class HoldEnded(Conflict):
    code = "hold_ended"
    title = "The time we held for you has run out. Please book again."


class AmountMismatch(Invalid):
    code = "amount_mismatch"
    title = "The amount sent is not the amount due. Leave it out, or read the booking again."


class NotRefundable(Conflict):
    code = "not_refundable"
    title = "This payment cannot be refunded."


class RefundTooLarge(Invalid):
    code = "refund_too_large"
    title = "That is more than may still be refunded."


class OwnRefund(Forbidden):
    code = "own_refund"
    title = "Somebody else has to approve this refund: you asked for it."


class LimitExceeded(Forbidden):
    code = "limit_exceeded"
    title = "That is more than your role may send back in a day."


class NoCredit(Conflict):
    code = "no_credit"
    title = "There is no credit left to use."


class BookingSettled(Conflict):
    code = "booking_settled"
    title = "This booking can no longer be changed."


class TooLateOnline(Conflict):
    code = "too_late_online"
    title = "It is too late to do this online. Please write to us or call: we will see what can be done."


class PriceChanged(Conflict):
    code = "price_changed"
    title = "Something changed since you looked. Please look at the new price and decide again."


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    title = "The booking was changed meanwhile. This is how it is now; what you had entered was not stored."


class NotOffered(Invalid):
    code = "method_not_offered"
    title = "This way to pay is not offered here. Please choose another one."


class AlreadyDecided(Conflict):
    code = "already_decided"
    title = "Somebody has decided about this already. Please look at it again."


class ReferenceUsed(Conflict):
    code = "reference_used"
    title = "This reference was recorded before: it is the same money."


class NotReversible(Conflict):
    code = "not_reversible"
    title = "This cannot be taken back now."


class NothingLeft(Conflict):
    code = "nothing_left"
    title = "This money was placed or sent back meanwhile."


class PlacedElsewhere(Conflict):
    code = "placed_elsewhere"
    title = "Part of this payment lies elsewhere already. Keep the rest as credit, and use that."


class NoCustomer(Invalid):
    code = "no_customer"
    title = "Name the customer whose credit it shall be."


class AlreadyResolved(Conflict):
    code = "already_resolved"
    title = "Somebody else has closed this already."


class NotPossible(Conflict):
    code = "not_possible"
    title = "This is not possible any more. Look at it once more."


class NotYet(Exception):
    """An event that speaks of something we do not have yet: it waits and is tried again."""
