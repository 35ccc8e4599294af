"""Form fields in people's units: amounts in currency, rates in percent. Stored: integers and exact decimals."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceField
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import money
from customers.models import Merchant

_BRACKET = re.compile(
    r"^\s*(?P<days>[0-9]{1,3})\s*(?:days?|d)?\s*[:=,;\s]\s*(?P<percent>[0-9]{1,3})\s*%?\s*$", re.IGNORECASE
)


class MinorAmountField(forms.CharField):
    """Shows 25.00, stores 2500. The form tells the currency."""

    widget = UnfoldAdminTextInputWidget
    currency = "usd"

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return str(Decimal(value).scaleb(-money.exponent(self.currency)))

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        if isinstance(value, int) or value in self.empty_values:
            return value if isinstance(value, int) else None
        try:
            return money.parse(str(value), currency=self.currency).minor
        except money.UnreadableAmount as error:
            raise ValidationError(error.detail) from error

    def run_validators(self, value: Any) -> None:
        """Lengths are of no interest here; the model's own validators see the integer."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class PercentField(forms.CharField):
    """Shows 8.75, stores 0.0875."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        shown = (value * 100).normalize()
        return f"{shown:f}"

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if value in self.empty_values:
            return None
        try:
            share = Decimal(str(value).strip().rstrip("%").strip()) / 100
        except InvalidOperation:
            raise ValidationError("Type a percentage like 8.75.") from None
        if not share.is_finite():
            raise ValidationError("Type a percentage like 8.75.")
        if not 0 <= share <= 1:
            raise ValidationError("Type a percentage from 0 to 100.")
        return share

    def run_validators(self, value: Any) -> None:
        """The model's validators see the stored share (0 to 1)."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != initial
        except ValidationError:
            return True


class PolicyField(forms.CharField):
    """Shows brackets line by line ("14 days: 100 %"), stores them longest notice first, the day itself last."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{each['days_before']} days: {each['refund_percent']} %" for each in _longest_first(value)
        )

    def to_python(self, value: Any) -> list[dict[str, int]] | None:  # type: ignore[override]
        lines = [line for line in str(value or "").splitlines() if line.strip()]
        brackets = _longest_first([_bracket(line) for line in lines])
        if len({each["days_before"] for each in brackets}) < len(brackets):
            raise ValidationError("Each number of days once.")
        shares = [each["refund_percent"] for each in brackets]
        if shares != sorted(shares, reverse=True):
            raise ValidationError("Who cancels later gets no more back than who cancels earlier.")
        if brackets and brackets[-1]["days_before"]:
            brackets.append({"days_before": 0, "refund_percent": 0})
        return brackets or None

    def run_validators(self, value: Any) -> None:
        """Brackets were checked line by line."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != _longest_first(initial or [])
        except ValidationError:
            return True


def _longest_first(brackets: list[dict[str, int]]) -> list[dict[str, int]]:
    return sorted(brackets, key=lambda each: -each["days_before"])


def _bracket(line: str) -> dict[str, int]:
    found = _BRACKET.match(line)
    if found is None or int(found["percent"]) > 100:
        raise ValidationError(f"“{line.strip()[:40]}”: type days and a share like 14 days: 100 %.")
    return {"days_before": int(found["days"]), "refund_percent": int(found["percent"])}


class ScopedForm(forms.ModelForm):
    """Keeps a row's merchant, chooses the only one there is, and gives amounts that merchant's currency.

    The merchant stays a field even where nobody may change it, so that unique constraints with it are checked and
    told as form errors.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        merchant = self._settle_merchant()
        for field in self.fields.values():
            if isinstance(field, MinorAmountField) and merchant is not None:
                field.currency = merchant.currency
                field.help_text = f"{field.help_text} In {merchant.currency.upper()}.".strip()

    def _settle_merchant(self) -> Merchant | None:
        if isinstance(self.instance, Merchant):
            return self.instance
        field = self.fields.get("merchant")
        if not isinstance(field, ModelChoiceField) or field.queryset is None:
            return self.instance.merchant if self.instance.pk else None
        choices = list(field.queryset)
        if self.instance.pk:
            field.disabled = True
            if len(choices) <= 1:
                field.widget = forms.HiddenInput()
            return self.instance.merchant
        if len(choices) == 1:
            field.initial = choices[0].pk
            field.widget = forms.HiddenInput()
            return choices[0]
        chosen = self.data.get(self.add_prefix("merchant"))
        return next((row for row in choices if str(row.pk) == chosen), None)
