"""Menus and add-ons with their prices, taxes by place and date, travel fees by place.

Prices are the merchant's current ones; what a customer agreed to is kept on the booking.
"""

from django.db import models
from django.db.models import F, Q

from customers.models import Merchant
from customers.models.merchant import rate_field


class Per(models.TextChoices):
    """What one unit of an add-on's price is multiplied by."""

    GUEST = "guest", "per guest"
    ADULT = "adult", "per adult"
    CHILD = "child", "per child"
    BOOKING = "booking", "per event"
    UNIT = "unit", "each"


class CatalogueItem(models.Model):
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=240, blank=True)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Menu(CatalogueItem):
    adult_price_minor = models.PositiveBigIntegerField(help_text="Per adult, in minor units, before tax.")
    child_price_minor = models.PositiveBigIntegerField(help_text="Per child, in minor units, before tax.")

    class Meta(CatalogueItem.Meta):
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="one_menu_per_name")]


class AddOn(CatalogueItem):
    per = models.CharField(max_length=8, choices=Per, default=Per.GUEST)
    price_minor = models.PositiveBigIntegerField(help_text="In minor units, before tax.")
    max_quantity = models.PositiveSmallIntegerField(default=100, help_text="Most units in one booking.")

    class Meta(CatalogueItem.Meta):
        verbose_name = "add-on"
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="one_add_on_per_name")]


class TaxRate(models.Model):
    """One tax; every one that covers the place and the event's date applies."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="tax_rates")
    name = models.CharField(max_length=60)
    rate = rate_field("0", "0.0875 is 8.75 %.")
    postal_prefix = models.CharField(
        max_length=12, blank=True, help_text="Postal codes that start so; empty: everywhere."
    )
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
                name="tax_rate_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rate * 100:f} %"


class TravelFee(models.Model):
    """The travel line by place: the longest matching prefix decides."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="travel_fees")
    name = models.CharField(max_length=60, default="Travel")
    postal_prefix = models.CharField(max_length=12, blank=True)
    fee_minor = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["postal_prefix"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "postal_prefix"], name="one_travel_fee_per_prefix")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.postal_prefix or 'everywhere'})"
