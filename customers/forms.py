"""The forms of the way in and of the account: they read what a person typed."""

from typing import Any

from django import forms
from phonenumber_field.formfields import PhoneNumberField

from customers.models import Customer

INPUT = {"class": "input"}
NOT_AN_ADDRESS = "That is not an e-mail address. Type one like name@example.com."


class EmailForm(forms.Form):
    """One e-mail address, kept in lower case."""

    use_required_attribute = False  # The server says what is missing, in words.

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={"required": "Type your e-mail address.", "invalid": NOT_AN_ADDRESS},
        widget=forms.EmailInput(attrs={**INPUT, "autocomplete": "email"}),
    )

    def __init__(self, *args: Any, label: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if label:
            self.fields["email"].label = label

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.lower()


class ProfileForm(forms.Form):
    """Name and phone; the address has a form of its own, because it must be confirmed."""

    use_required_attribute = False

    name = forms.CharField(
        label="Your name",
        max_length=120,
        error_messages={"required": "Type your name."},
        widget=forms.TextInput(attrs={**INPUT, "autocomplete": "name"}),
    )
    phone = forms.CharField(
        label="Phone",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={**INPUT, "type": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_phone(self) -> str:
        """In E.164, read as a number of the merchant's country when it has no prefix."""
        typed = self.cleaned_data["phone"]
        if not typed:
            return ""
        try:
            number = PhoneNumberField(region=self.customer.merchant.country).clean(typed)
        except forms.ValidationError as error:
            raise forms.ValidationError(
                "That is not a phone number. Type it with its area code, or leave it out."
            ) from error
        return str(number.as_e164)
