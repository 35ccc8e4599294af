"""A person who books; one row per merchant and e-mail address."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from phonenumber_field.modelfields import PhoneNumberField

from core.public_ids import PublicIdModel
from customers.models.merchant import Merchant


class Customer(PublicIdModel):
    """Knowing a customer's e-mail address grants nothing: pages are reached by signed links or a one-time link.

    `email_verified_at` is when somebody last proved, by a one-time link, to read the mail of `email`; cards are kept
    only after that. Raising `sign_in_version` ends every sign-in of this customer.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="customers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="customers"
    )
    email = models.EmailField(help_text="Stored in lower case.")
    name = models.CharField(max_length=120)
    phone = PhoneNumberField(blank=True)
    notes = models.TextField(blank=True)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    sign_in_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "email"], name="one_customer_per_merchant_and_email"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="customer_email_in_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"
