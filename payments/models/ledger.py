"""Double-entry ledger, per merchant and currency: append-only, balanced by the database itself."""

from django.db import models
from django.db.models import Q

from bookings.models import Booking
from customers.models import Customer, Merchant
from payments.models.payment import Payment


class Account(models.TextChoices):
    CLEARING_STRIPE = "clearing:stripe", "Clearing: Stripe"
    CLEARING_ZELLE = "clearing:zelle", "Clearing: Zelle"
    CLEARING_VENMO = "clearing:venmo", "Clearing: Venmo"
    CLEARING_CASH = "clearing:cash", "Clearing: cash"
    CLEARING_CHECK = "clearing:check", "Clearing: checks"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit", "Payouts in transit"
    BANK = "bank", "Bank"
    ACCOUNTS_RECEIVABLE = "accounts_receivable", "Accounts receivable"
    DISPUTES = "disputes", "Disputes"
    CUSTOMER_DEPOSITS = "customer_deposits", "Customer deposits"
    CUSTOMER_CREDIT = "customer_credit", "Customer credit"
    UNALLOCATED = "unallocated", "Unallocated"
    TAX_PAYABLE = "tax_payable", "Tax payable"
    PLATFORM_PAYABLE = "platform_payable", "Platform payable"
    REVENUE = "revenue", "Revenue"
    PROCESSING_FEE_INCOME = "processing_fee_income", "Processing fee income"
    CANCELLATION_INCOME = "cancellation_income", "Cancellation income"
    OTHER_INCOME = "other_income", "Other income"
    GATEWAY_FEES = "gateway_fees", "Gateway fees"
    PLATFORM_FEES = "platform_fees", "Platform fees"
    DISPUTE_LOSSES = "dispute_losses", "Dispute losses"
    DISPUTE_FEES = "dispute_fees", "Dispute fees"
    ADJUSTMENTS = "adjustments", "Adjustments"


class LedgerTransaction(models.Model):
    """`source_key` names the cause (ch:<id>, bt:<id>, …); unique per merchant, so nothing is posted twice."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="ledger_transactions")
    currency = models.CharField(max_length=3)
    source_key = models.CharField(max_length=255)
    description = models.CharField(max_length=200)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    occurred_at = models.DateTimeField(help_text="When the money moved.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "source_key"], name="one_posting_per_source")
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="ledger_merchant_newest")]

    def __str__(self) -> str:
        return f"{self.description} ({self.source_key})"


class LedgerEntry(models.Model):
    """`amount_minor` is signed: a debit is positive, a credit negative; a transaction's entries sum to zero."""

    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=24, choices=Account)
    amount_minor = models.BigIntegerField()
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="ledger_entry_moves_something"),
            models.CheckConstraint(condition=Q(account__in=Account.values), name="ledger_account_known"),
        ]
        indexes = [models.Index(fields=["account", "transaction"], name="ledger_entry_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor}"
