"""The lines of the price that the customer agreed to, and later reductions."""

from django.db import models
from django.db.models import Q

from bookings.models.booking import Booking


class LineKind(models.TextChoices):
    MENU_ADULT = "menu_adult", "Menu, adults"
    MENU_CHILD = "menu_child", "Menu, children"
    ADD_ON = "add_on", "Add-on"
    MINIMUM_SPEND = "minimum_spend", "Up to the minimum spend"
    TRAVEL = "travel", "Travel"
    DISCOUNT = "discount", "Discount"
    TAX = "tax", "Tax"
    REDUCTION = "reduction", "Price reduction"
    EXTRA = "extra", "Added afterwards"


class PriceLine(models.Model):
    """`amount_minor` is signed. A reduction contains its tax: `tax_minor` is the (negative) tax within it.

    The sum of all lines' `amount_minor` is the booking's `total_minor`; the sum of TAX lines' amounts and
    reductions' `tax_minor` is its `tax_minor`.
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=14, choices=LineKind)
    description = models.CharField(max_length=160)
    quantity = models.PositiveIntegerField(default=1)
    unit_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=LineKind.values), name="price_line_kind_known"),
            models.UniqueConstraint(fields=["booking", "position"], name="one_price_line_per_position"),
        ]

    def __str__(self) -> str:
        return self.description
