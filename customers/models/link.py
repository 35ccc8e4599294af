"""One-time links that a customer asked for by e-mail."""

from django.db import models
from django.db.models import Q

from core.public_ids import PublicIdModel
from customers.models.customer import Customer
from customers.models.merchant import Merchant


class LinkPurpose(models.TextChoices):
    SIGN_IN = "sign_in", "Sign in"
    NEW_EMAIL = "new_email", "Confirm a new e-mail address"


class AccountLink(PublicIdModel):
    """A request for a link, then the link that went out for it. Written by customers/links.py alone.

    A request is a row with `token_hash` NULL, for any address that was typed; a worker finds out whether a customer
    has it, so that the page answers alike and as fast for all. The token itself is only in the e-mail. A link is good
    until `expires_at`, once (`used_at`), and while no newer one went out (`superseded_at`).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="links"
    )
    purpose = models.CharField(max_length=9, choices=LinkPurpose, default=LinkPurpose.SIGN_IN)
    email = models.EmailField(help_text="Where the link goes, in lower case.")
    next_path = models.CharField(max_length=200, blank=True, help_text="The page that was wanted.")
    token_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="account_link_asked_for", condition=Q(token_hash__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(token_hash__isnull=True) | Q(customer__isnull=False, expires_at__isnull=False),
                name="account_link_sent_has_customer_and_end",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.public_id}"
