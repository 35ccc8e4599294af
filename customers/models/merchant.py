"""A caterer's business (the tenant) and its settings; everything else hangs on one."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.files.storage import Storage
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from core import uploads
from core.public_ids import PublicIdModel

SURCHARGE_LIMIT = Decimal("0.03")  # The card networks' cap on surcharges.
MAX_CLAIM_HOLD_HOURS = 72
VENMO_HANDLE = r"^[A-Za-z0-9_-]{5,30}$"


def private_files() -> Storage:
    return uploads.storage()


class FeeTier(models.TextChoices):
    STARTER = "starter", "Starter"
    PROFESSIONAL = "professional", "Professional"
    ENTERPRISE = "enterprise", "Enterprise"


class FeePresentation(models.TextChoices):
    DISCOUNT = "discount", "Listed price is the card's; Zelle and Venmo show what they save"
    SURCHARGE = "surcharge", "Listed price is Zelle's; cards pay more"


class PaymentMethod(models.TextChoices):
    CARD = "card", "Card"
    ZELLE = "zelle", "Zelle"
    VENMO = "venmo", "Venmo"
    CASH = "cash", "Cash"
    CHECK = "check", "Check"
    CREDIT = "credit", "Credit"


def default_cancellation_policy() -> list[dict[str, int]]:
    """Brackets, longest notice first: notice in whole calendar days -> share of principal returned, in percent."""
    return [
        {"days_before": 14, "refund_percent": 100},
        {"days_before": 7, "refund_percent": 50},
        {"days_before": 0, "refund_percent": 0},
    ]


def rate_field(default: str, help_text: str) -> models.DecimalField:
    return models.DecimalField(
        max_digits=7,
        decimal_places=6,
        default=Decimal(default),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=help_text,
    )


class Merchant(PublicIdModel):
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    host = models.CharField(
        max_length=253,
        blank=True,
        help_text="Host name whose customer pages are this merchant's; empty: only the default merchant's pages.",
    )
    is_default = models.BooleanField(
        default=False, help_text="Answers on every host that no merchant claims."
    )
    is_active = models.BooleanField(default=True)
    email = models.EmailField()
    phone = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=240, blank=True)
    country = models.CharField(max_length=2, default="US")
    currency = models.CharField(max_length=3, default="usd", help_text="Lower-case ISO 4217.")
    locale = models.CharField(max_length=12, default="en_US")
    timezone = models.CharField(max_length=64, default="America/Los_Angeles")
    statement_descriptor = models.CharField(
        max_length=22, blank=True, help_text="As printed on card statements."
    )

    hold_minutes = models.PositiveSmallIntegerField(default=45)
    deposit_minor = models.PositiveBigIntegerField(default=10_000, help_text="In minor units; tax included.")
    balance_due_days = models.PositiveSmallIntegerField(default=7, help_text="Days before the event.")
    minimum_spend_minor = models.PositiveBigIntegerField(
        default=0, help_text="On food and add-ons, before tax."
    )
    tax_travel = models.BooleanField(default=False)
    tax_after_discount = models.BooleanField(default=True, help_text="Discounts lower the taxable subtotal.")
    tax_kept = models.BooleanField(
        default=False,
        help_text="What is kept on a cancellation contains tax, at the booking's own rate. Ask your tax adviser.",
    )
    tax_method_fee = models.BooleanField(default=False, help_text="The method fee contains tax.")
    credit_valid_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="How long credit that staff give can be used; empty: for ever. Customers' own money never expires.",
    )
    remind_days_before = models.PositiveSmallIntegerField(
        default=3, help_text="A reminder so many days before a payment is due; 0: none."
    )
    remind_days_after = models.PositiveSmallIntegerField(
        default=3, help_text="A second reminder, and an item on the desk, so many days after it was due."
    )
    move_fee_minor = models.PositiveBigIntegerField(
        default=0,
        help_text="Added to the price when a customer moves the date; in minor units, tax included.",
    )
    move_days_before = models.PositiveSmallIntegerField(
        default=7, help_text="Customers may move the date themselves until so many days before the event."
    )
    approval_from_minor = models.PositiveBigIntegerField(
        default=50_000,
        help_text="Refunds from here on, together per booking or per person and day, need a second person.",
    )
    cash_tolerance_minor = models.PositiveSmallIntegerField(
        default=5,
        help_text="Cash that is short by so much at most settles what was due; 0: it must be exact. In minor units.",
    )
    reauthenticate_from_minor = models.PositiveBigIntegerField(
        default=20_000, help_text="Refunds from here on need a recent sign-in."
    )
    manager_daily_refunds_minor = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="What one manager may send back in a day; empty: no limit."
    )
    silver_from_minor = models.PositiveBigIntegerField(default=100_000, help_text="Loyalty, by money kept.")
    gold_from_minor = models.PositiveBigIntegerField(default=250_000)
    platinum_from_minor = models.PositiveBigIntegerField(default=500_000)
    cancellation_policy = models.JSONField(default=default_cancellation_policy)

    fee_presentation = models.CharField(
        max_length=10, choices=FeePresentation, default=FeePresentation.DISCOUNT
    )
    card_fee_rate = rate_field("0.08", "Added to an instalment paid by card (0.08 is 8 %).")
    venmo_fee_rate = rate_field("0.03", "Added to an instalment paid by Venmo.")
    zelle_fee_rate = rate_field("0", "Added to an instalment paid by Zelle.")
    cash_fee_rate = rate_field("0", "Added to an instalment paid in cash.")
    check_fee_rate = rate_field("0", "Added to an instalment paid by check.")

    offers_zelle = models.BooleanField(default=True, help_text="Offered once the address below is filled in.")
    zelle_name = models.CharField(max_length=120, blank=True, help_text="The recipient as the bank shows it.")
    zelle_contact = models.CharField(
        max_length=254, blank=True, help_text="The e-mail address or U.S. phone number enrolled with Zelle."
    )
    zelle_qr = models.FileField(
        storage=private_files,
        max_length=120,
        blank=True,
        help_text="The QR code of the bank's app, as an image.",
    )
    offers_venmo = models.BooleanField(default=True, help_text="Offered once the handle below is filled in.")
    venmo_handle = models.CharField(
        max_length=30,
        blank=True,
        validators=[RegexValidator(VENMO_HANDLE, "5 to 30 letters, digits, - or _, as in the Venmo app.")],
        help_text="Without the @.",
    )
    claim_hold_hours = models.PositiveSmallIntegerField(
        default=48,
        validators=[MaxValueValidator(MAX_CLAIM_HOLD_HOURS)],
        help_text="How long a time stays held after a customer says that a transfer was sent; 72 at most.",
    )

    fee_tier = models.CharField(max_length=12, choices=FeeTier, default=FeeTier.STARTER)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_merchant"
            ),
            models.UniqueConstraint(
                fields=["host"], condition=~models.Q(host=""), name="one_merchant_per_host"
            ),
            models.CheckConstraint(
                condition=models.Q(claim_hold_hours__lte=MAX_CLAIM_HOLD_HOURS), name="claim_hold_is_limited"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def method_fee_rate(self, method: str) -> Decimal:
        """The share added to an instalment paid by `method`; credit never carries a fee."""
        if method == PaymentMethod.CREDIT:
            return Decimal(0)
        rate: Decimal = getattr(self, f"{PaymentMethod(method).value}_fee_rate")
        return rate

    def takes(self, method: str) -> bool:
        """Whether customers may pay by `method` on the pages: cards always, a transfer once it has somewhere to go."""
        offered = {
            PaymentMethod.CARD: True,
            PaymentMethod.ZELLE: self.offers_zelle and bool(self.zelle_contact),
            PaymentMethod.VENMO: self.offers_venmo and bool(self.venmo_handle),
        }
        return offered.get(PaymentMethod(method), False)

    def clean(self) -> None:
        if self.fee_presentation == FeePresentation.SURCHARGE and self.card_fee_rate > SURCHARGE_LIMIT:
            raise ValidationError(
                {
                    "fee_presentation": "Card networks forbid surcharges above 3 %, and several states forbid them "
                    "altogether. Lower the card fee to 3 % or less, or present it as a discount."
                }
            )
