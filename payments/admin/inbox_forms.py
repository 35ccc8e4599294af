"""Forms of money that staff found: how much, when, from whom, and for which bookings."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bookings import codes
from bookings.models import Booking
from core import clock
from customers.console import MinorAmountField
from customers.models import Customer, Merchant
from payments.manual import Part
from payments.models import MANUAL_METHODS

SPLITS = (1, 2, 3)


class CodeField(forms.CharField):
    """A booking of the form's merchant by its code, however it was typed."""

    widget = UnfoldAdminTextInputWidget(attrs={"autocapitalize": "characters", "spellcheck": "false"})
    merchant: Merchant | None = None

    def to_python(self, value: Any) -> Booking | None:  # type: ignore[override]
        if value in self.empty_values or isinstance(value, Booking):
            return value or None
        rows = Booking.objects.select_related("merchant", "customer__merchant")
        found = rows.filter(merchant=self.merchant, code=codes.normalise(str(value))).first()
        if found is None:
            raise ValidationError("There is no booking with this code.")
        return found

    def run_validators(self, value: Any) -> None:
        """The value is a row by now."""


class FoundForm(forms.Form):
    """A transfer as it was found. `currency` is the booking's, else the merchant's."""

    amount = MinorAmountField(label="Amount received", help_text="All of it, with the fee.")
    received_on = forms.DateField(
        label="Received on", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    sender_name = forms.CharField(
        label="Sender", max_length=120, required=False, widget=UnfoldAdminTextInputWidget
    )
    reference = forms.CharField(
        label="Reference",
        max_length=120,
        required=False,
        help_text="The bank's or Venmo's own id, a check's number. The same one is never recorded twice.",
        widget=UnfoldAdminTextInputWidget,
    )
    note = forms.CharField(
        max_length=500, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    credit = MinorAmountField(
        label="Of it, keep as credit", required=False, help_text="For the customer's next payment or booking."
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=32)
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=400)

    def __init__(self, *args: Any, merchant: Merchant, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchant = merchant
        for number in SPLITS:
            self.fields[f"code_{number}"] = CodeField(label="Booking", required=False)
            self.fields[f"amount_{number}"] = MinorAmountField(label="Amount", required=False)
        for field in self.fields.values():
            if isinstance(field, MinorAmountField):
                field.currency = currency
            if isinstance(field, CodeField):
                field.merchant = merchant
        today = clock.today(merchant.timezone)
        self.fields["received_on"].widget.attrs["max"] = today.isoformat()

    @property
    def splits(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"code_{number}"], self[f"amount_{number}"]) for number in SPLITS]

    @property
    def is_divided(self) -> bool:
        """Whether the part of the form that divides the money holds anything."""
        names = ["credit", *(f"{kind}_{number}" for number in SPLITS for kind in ("code", "amount"))]
        return any(self[name].value() or self[name].errors for name in names)

    def clean_amount(self) -> int:
        minor: int = self.cleaned_data["amount"]
        if minor <= 0:
            raise ValidationError("Type an amount above zero.")
        return minor

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for number in SPLITS:
            code, minor = data.get(f"code_{number}"), data.get(f"amount_{number}")
            if (code is None) != (not minor) and not self.errors:
                self.add_error(f"code_{number}", "Name the booking and how much of it is for it.")
        return data

    def others(self) -> list[Part]:
        """The parts for other bookings."""
        data = self.cleaned_data
        return [
            Part(amount_minor=data[f"amount_{number}"], booking=data[f"code_{number}"])
            for number in SPLITS
            if data.get(f"code_{number}") and data.get(f"amount_{number}")
        ]

    def kept(self, customer: Customer | None) -> list[Part]:
        """The part that is kept as the customer's credit."""
        minor = self.cleaned_data.get("credit")
        return [Part(amount_minor=minor, customer=customer)] if minor and customer else []


class RecordForm(FoundForm):
    """Money that nobody claimed: for a booking, for a customer's credit, or for nobody known."""

    method = forms.ChoiceField(
        choices=[(method.value, method.label) for method in MANUAL_METHODS], widget=UnfoldAdminSelectWidget
    )
    booking = CodeField(label="For booking", required=False, help_text="Its code, however it is typed.")
    in_full = forms.BooleanField(
        label="It may pay all that is open, not only what is due next",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    customer = forms.EmailField(
        label="Or for the credit of",
        required=False,
        help_text="A customer's e-mail address. Without booking and customer it goes to the desk.",
        widget=UnfoldAdminEmailInputWidget,
    )

    def clean_customer(self) -> Customer | None:
        address = self.cleaned_data["customer"]
        if not address:
            return None
        found = Customer.objects.select_related("merchant").filter(
            merchant=self.merchant, email__iexact=address
        )
        row = found.first()
        if row is None:
            raise ValidationError("There is no customer with this address.")
        return row

    def parts(self) -> Sequence[Part]:
        """What remains after the named parts goes to the booking, else to the customer, else to nobody known."""
        data = self.cleaned_data
        booking, customer = data.get("booking"), data.get("customer")
        owner = customer or (booking.customer if booking else None)
        named = [*self.others(), *(self.kept(owner) if booking or not customer else [])]
        rest = data["amount"] - sum(part.amount_minor for part in named)
        own = Part(
            amount_minor=rest,
            booking=booking,
            purpose="full" if data.get("in_full") and booking else "",
            customer=None if booking else customer,
        )
        return [own, *named] if rest or not named else named
