"""Money that moved or should: payments, refunds, receipts, the ledger, the desk, and Stripe's events."""

from payments.models.authorization import Authorization, Decision
from payments.models.balance import BalanceTransaction
from payments.models.cancellation import (
    BulkCancellation,
    BulkCancellationItem,
    BulkItemState,
    BulkState,
    Cancellation,
    RefundTerms,
)
from payments.models.card import CardCharge, CardSetup, ChargeOutcome, SavedCard, SetupState
from payments.models.credit import Credit, CreditSource, CreditUse, CreditUseKind
from payments.models.credit_note import CreditNote, CreditNoteCounter
from payments.models.desk import DeskItem, DeskKind
from payments.models.document import Document, DocumentCounter
from payments.models.gateway_account import BalanceCursor, GatewayAccount, GatewayCustomer, WebhookEndpoint
from payments.models.inbox import EventState, WebhookEvent
from payments.models.ledger import Account, LedgerEntry, LedgerTransaction
from payments.models.mirror import MirrorRefetch
from payments.models.payment import (
    MANUAL_OPEN_STATES,
    ON_ITS_WAY,
    OPEN_STATES,
    Capture,
    CheckoutMode,
    Payment,
    PaymentAttempt,
    PaymentState,
    PaymentStateChange,
)
from payments.models.receipt import Receipt, ReceiptCounter
from payments.models.refund import (
    HOLDING_STATES,
    Refund,
    RefundCause,
    RefundRoute,
    RefundState,
    RefundStateChange,
)
from payments.models.statement import (
    LineState,
    StatementImport,
    StatementLine,
    StatementLineChange,
    StatementMapping,
    fingerprint_of,
    line_fingerprint,
)
from payments.models.transfer import (
    CLAIMED_METHODS,
    MANUAL_METHODS,
    Claim,
    ClaimState,
    ClaimStateChange,
    Transfer,
    reference_key,
)
from payments.models.write_off import WriteOff, WriteOffKind

__all__ = [
    "CLAIMED_METHODS",
    "HOLDING_STATES",
    "MANUAL_METHODS",
    "MANUAL_OPEN_STATES",
    "ON_ITS_WAY",
    "OPEN_STATES",
    "Account",
    "Authorization",
    "BalanceCursor",
    "BalanceTransaction",
    "BulkCancellation",
    "BulkCancellationItem",
    "BulkItemState",
    "BulkState",
    "Cancellation",
    "Capture",
    "CardCharge",
    "CardSetup",
    "ChargeOutcome",
    "CheckoutMode",
    "Claim",
    "ClaimState",
    "ClaimStateChange",
    "Credit",
    "CreditNote",
    "CreditNoteCounter",
    "CreditSource",
    "CreditUse",
    "CreditUseKind",
    "Decision",
    "DeskItem",
    "DeskKind",
    "Document",
    "DocumentCounter",
    "EventState",
    "GatewayAccount",
    "GatewayCustomer",
    "LedgerEntry",
    "LedgerTransaction",
    "LineState",
    "MirrorRefetch",
    "Payment",
    "PaymentAttempt",
    "PaymentState",
    "PaymentStateChange",
    "Receipt",
    "ReceiptCounter",
    "Refund",
    "RefundCause",
    "RefundRoute",
    "RefundState",
    "RefundStateChange",
    "RefundTerms",
    "SavedCard",
    "SetupState",
    "StatementImport",
    "StatementLine",
    "StatementLineChange",
    "StatementMapping",
    "Transfer",
    "WebhookEndpoint",
    "WebhookEvent",
    "WriteOff",
    "WriteOffKind",
    "fingerprint_of",
    "line_fingerprint",
    "reference_key",
]
