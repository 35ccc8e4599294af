"""Forms of the catalogue and of opening times."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
)

from bookings import slot_runs
from bookings.models import AddOn, Menu, Slot, TaxRate, TravelFee
from core.errors import Invalid
from customers import access
from customers.console import MinorAmountField, PercentField, ScopedForm
from customers.models import Merchant

WEEKDAYS = [
    ("0", "Monday"),
    ("1", "Tuesday"),
    ("2", "Wednesday"),
    ("3", "Thursday"),
    ("4", "Friday"),
    ("5", "Saturday"),
    ("6", "Sunday"),
]


class MenuForm(ScopedForm):
    adult_price_minor = MinorAmountField(label="Price per adult", help_text="Before tax.")
    child_price_minor = MinorAmountField(label="Price per child", help_text="Before tax.")

    class Meta:
        model = Menu
        fields: list[str] = []


class AddOnForm(ScopedForm):
    price_minor = MinorAmountField(label="Price", help_text="Before tax.")

    class Meta:
        model = AddOn
        fields: list[str] = []


class TaxRateForm(ScopedForm):
    rate = PercentField(label="Rate", help_text="In percent: 8.75.")

    class Meta:
        model = TaxRate
        fields: list[str] = []

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("valid_from"), data.get("valid_to")
        if first and last and last < first:
            self.add_error("valid_to", "It ends before it begins.")
        return data


class TravelFeeForm(ScopedForm):
    fee_minor = MinorAmountField(label="Fee", help_text="Per event.")

    class Meta:
        model = TravelFee
        fields: list[str] = []


def _clock(label: str, *, help_text: str = "") -> forms.TimeField:
    return forms.TimeField(label=label, widget=UnfoldAdminSingleTimeWidget, help_text=help_text)


class SlotForm(ScopedForm):
    """Asks for the merchant's wall clock. Times of a slot that has bookings stay: the bookings have them too."""

    day = forms.DateField(label="Day", widget=UnfoldAdminSingleDateWidget)
    starts = _clock("From")
    ends = _clock("To", help_text="Not after the beginning: on the next day.")

    class Meta:
        model = Slot
        fields = ["merchant", "capacity", "is_open"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk or "day" not in self.fields:
            return
        zone = ZoneInfo(self.instance.merchant.timezone)
        start, end = self.instance.starts_at.astimezone(zone), self.instance.ends_at.astimezone(zone)
        self.initial.update(day=start.date(), starts=start.time(), ends=end.time())
        if self.instance.bookings.exists():
            for name in ("day", "starts", "ends"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Fixed: this time has bookings."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        merchant: Merchant | None = data.get("merchant")
        if merchant is None or not all(data.get(name) for name in ("day", "starts", "ends")):
            return data
        if self.instance.pk and self.fields["day"].disabled:
            return data
        try:
            start, end = slot_runs.span(
                data["day"], starts=data["starts"], ends=data["ends"], timezone=merchant.timezone
            )
        except Invalid as refusal:
            self.add_error("day", refusal.detail)
            return data
        same = Slot.objects.filter(merchant=merchant, starts_at=start, ends_at=end)
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("day", "There is a slot at that time already.")
        self.instance.starts_at, self.instance.ends_at = start, end
        return data


class SlotRunForm(forms.Form):
    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    first = forms.DateField(label="First day", widget=UnfoldAdminSingleDateWidget)
    last = forms.DateField(label="Last day", widget=UnfoldAdminSingleDateWidget)
    weekdays = forms.MultipleChoiceField(
        label="On", choices=WEEKDAYS, widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=["4", "5", "6"]
    )
    starts = _clock("From")
    ends = _clock("To", help_text="Not after the beginning: on the next day.")
    capacity = forms.IntegerField(
        label="Events at once", min_value=1, max_value=100, initial=1, widget=UnfoldAdminIntegerFieldWidget
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = access.merchants_where(request.user, permission="bookings.add_slot")
        field = self.fields["merchant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Merchant.objects.filter(pk__in=[merchant.pk for merchant in allowed])
        if len(allowed) == 1:
            field.initial = allowed[0].pk
            field.widget = forms.HiddenInput()
        self.fields["first"].initial = date.today

    def add(self) -> int | None:
        """Add the run's slots; None, with the form's errors, when they are refused."""
        data = self.cleaned_data
        run = slot_runs.Run(
            first=data["first"],
            last=data["last"],
            weekdays={int(day) for day in data["weekdays"]},
            starts=data["starts"],
            ends=data["ends"],
            capacity=data["capacity"],
        )
        try:
            return slot_runs.add(run, merchant=data["merchant"])
        except Invalid as refusal:
            self.add_error(None, refusal.detail)
            return None
