"""Which status may follow which, by Stripe's documents. `""` is what an object begins from."""

AFTER_CONFIRM = (
    "requires_payment_method",
    "requires_action",
    "requires_capture",
    "succeeded",
    "canceled",
    "processing",
)
ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    "payment_intent": {
        "": ("requires_payment_method",),
        "requires_payment_method": ("requires_confirmation", *AFTER_CONFIRM),
        "requires_confirmation": AFTER_CONFIRM,
        "requires_action": ("requires_confirmation", *AFTER_CONFIRM),
        "processing": ("requires_payment_method", "requires_capture", "succeeded", "canceled"),
        "requires_capture": ("succeeded", "canceled"),
        "succeeded": (),
        "canceled": (),
    },
    "charge": {
        "": ("succeeded", "pending", "failed"),
        "pending": ("succeeded", "failed"),
        "succeeded": (),
        "failed": (),
    },
    "refund": {
        "": ("pending", "requires_action", "succeeded", "failed"),
        "pending": ("succeeded", "failed", "requires_action", "canceled"),
        "requires_action": ("pending", "succeeded", "failed", "canceled"),
        "succeeded": ("failed",),
        "failed": (),
        "canceled": (),
    },
    "dispute": {
        "": ("warning_needs_response", "needs_response", "prevented"),
        "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
        "warning_under_review": ("warning_needs_response", "warning_closed", "needs_response"),
        "warning_closed": ("needs_response",),
        "needs_response": ("under_review", "won", "lost", "prevented"),
        "under_review": ("won", "lost"),
        "won": (),
        "lost": ("won",),
        "prevented": (),
    },
    "payout": {
        "": ("pending", "in_transit"),
        "pending": ("in_transit", "canceled", "failed"),
        "in_transit": ("paid", "failed", "canceled"),
        "paid": ("failed",),
        "failed": (),
        "canceled": (),
    },
    "checkout.session": {
        "": ("open", "complete", "expired"),
        "open": ("complete", "expired"),
        "complete": (),
        "expired": (),
    },
}
