"""Forms of the merchant's settings, its staff and its customers."""

from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.db import transaction
from phonenumber_field import phonenumber
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core import pictures, uploads
from customers import staff
from customers.console.fields import MinorAmountField, PercentField, PolicyField, ScopedForm
from customers.models import Customer, Membership, Merchant, Role

QR_SIDE = 900  # Pixels: sharp on any screen.
SHORTEST_HOLD = 10  # Minutes, of a time that is held for a customer who pays.


class TransferSettings(ScopedForm):
    """Where customers send Zelle and Venmo, and the bank's QR code, which is drawn anew before it is kept."""

    zelle_qr_upload = forms.FileField(
        label="Zelle QR code",
        required=False,
        help_text="From your bank's app, as a picture. Without one, customers see the address as text.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    zelle_qr_remove = forms.BooleanField(
        label="Remove the QR code", required=False, widget=UnfoldBooleanSwitchWidget
    )

    def clean_zelle_contact(self) -> str:
        contact = str(self.cleaned_data["zelle_contact"]).strip()
        if not contact:
            return ""
        if "@" in contact:
            validate_email(contact)
            return contact.lower()
        phone = phonenumber.to_python(contact, region="US")
        if phone is None or not phone.is_valid():
            raise ValidationError("Type the e-mail address or U.S. phone number that is enrolled with Zelle.")
        return str(phone.as_national)

    def clean_zelle_qr_upload(self) -> pictures.Clean | None:
        upload = self.cleaned_data.get("zelle_qr_upload")
        if upload is None:
            return None
        try:
            return pictures.clean(upload.read(), pdf=False, as_png=True, longest_side=QR_SIDE)
        except pictures.Refused as refusal:
            raise ValidationError(refusal.detail) from refusal

    def save(self, commit: bool = True) -> Any:
        """A new picture gets a new name; the old one stays until nothing points to it, that is for one save."""
        new: pictures.Clean | None = self.cleaned_data.get("zelle_qr_upload")
        before = self.instance.zelle_qr.name
        if new is not None:
            place = uploads.new_name(folder="zelle", suffix=new.suffix)
            self.instance.zelle_qr = uploads.storage().save(place, ContentFile(new.content))
        elif self.cleaned_data.get("zelle_qr_remove"):
            self.instance.zelle_qr = ""
        if before and before != self.instance.zelle_qr.name:
            transaction.on_commit(lambda: uploads.storage().delete(before))
        return super().save(commit)

    class Meta:
        model = Merchant
        fields: list[str] = []


class MerchantForm(TransferSettings):
    deposit_minor = MinorAmountField(label="Deposit", help_text="Tax included; never more than the price.")
    minimum_spend_minor = MinorAmountField(
        label="Minimum spend", help_text="On food and add-ons, before tax. 0: none."
    )
    move_fee_minor = MinorAmountField(
        label="Fee for moving", help_text="Added to the price each time, tax included. 0: none."
    )
    cash_tolerance_minor = MinorAmountField(
        label="Cash may be short by",
        help_text="So few cents settle what was due; they are booked as an adjustment. 0: it must be exact.",
    )
    reauthenticate_from_minor = MinorAmountField(
        label="Prove who you are from",
        help_text="Refunds from here on need a sign-in of the last 15 minutes.",
    )
    approval_from_minor = MinorAmountField(
        label="A second person from", help_text="Counted together per booking, and per person and day."
    )
    manager_daily_refunds_minor = MinorAmountField(
        label="A manager's limit per day", required=False, help_text="Empty: none. Owners have none."
    )
    silver_from_minor = MinorAmountField(label="Silver from")
    gold_from_minor = MinorAmountField(label="Gold from")
    platinum_from_minor = MinorAmountField(label="Platinum from")
    cancellation_policy = PolicyField(
        label="Cancellation policy",
        help_text="A line each: with so many days' notice or more, this share of what was paid goes back. "
        "For bookings made from now on; others keep what was agreed to.",
    )
    card_fee_rate = PercentField(label="Card", help_text="In percent of the instalment.")
    venmo_fee_rate = PercentField(label="Venmo", help_text="In percent of the instalment.")
    zelle_fee_rate = PercentField(label="Zelle", help_text="In percent of the instalment.")
    cash_fee_rate = PercentField(label="Cash", help_text="In percent of the instalment.")
    check_fee_rate = PercentField(label="Check", help_text="In percent of the instalment.")

    class Meta:
        model = Merchant
        fields: list[str] = []
        labels = {
            "offers_zelle": "Offer Zelle",
            "zelle_name": "Zelle recipient",
            "zelle_contact": "Zelle e-mail or phone",
            "offers_venmo": "Offer Venmo",
            "claim_hold_hours": "Hold after a claim",
            "move_days_before": "Until so many days before",
            "credit_valid_days": "Days that given credit is good for",
            "remind_days_before": "Days before",
            "remind_days_after": "Days after",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        tiers = [data.get(f"{tier}_from_minor") for tier in ("silver", "gold", "platinum")]
        known = [minor for minor in tiers if minor is not None]
        if known != sorted(known):
            self.add_error("platinum_from_minor", "Each tier begins above the one before it.")
        return data

    def clean_hold_minutes(self) -> int:
        minutes: int = self.cleaned_data["hold_minutes"]
        if minutes < SHORTEST_HOLD:
            raise ValidationError(f"Customers need {SHORTEST_HOLD} minutes at least to pay.")
        return minutes

    def clean_credit_valid_days(self) -> int | None:
        days: int | None = self.cleaned_data["credit_valid_days"]
        if days == 0:
            raise ValidationError("A day at least, or empty: for ever.")
        return days

    def clean_timezone(self) -> str:
        zone: str = self.cleaned_data["timezone"]
        if zone not in available_timezones():
            raise ValidationError("Not a time zone. Type one like America/Los_Angeles.")
        return zone

    def clean_locale(self) -> str:
        locale: str = self.cleaned_data["locale"]
        try:
            Locale.parse(locale)
        except (ValueError, UnknownLocaleError):
            raise ValidationError("Not a locale. Type one like en_US.") from None
        return locale


class CustomerForm(ScopedForm):
    """An address that staff type was proven by nobody: sign-ins end, and cards wait until its owner came by a link."""

    class Meta:
        model = Customer
        fields: list[str] = []

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def _post_clean(self) -> None:
        before = self.instance.email
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, which its stubs leave out
        if self.instance.pk and self.instance.email != before:
            self.instance.email_verified_at = None
            self.instance.sign_in_version += 1


class MembershipForm(ScopedForm):
    class Meta:
        model = Membership
        fields: list[str] = []

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if role != Role.OWNER and self.instance.pk and staff.is_last_owner(self.instance):
            raise ValidationError("The last owner stays owner. Make someone else an owner first.")
        return role


class NewMembershipForm(ScopedForm):
    email = forms.EmailField(
        label="E-mail address",
        help_text="A link to begin with goes there. Who signs in already keeps their password.",
        widget=UnfoldAdminEmailInputWidget,
    )
    name = forms.CharField(
        label="Their name", max_length=120, required=False, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Membership
        fields: list[str] = []

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        email, merchant = data.get("email"), data.get("merchant")
        if not email or merchant is None:
            return data
        try:
            staff.check_invitable(email=email, merchant=merchant)
        except staff.SignInRefused as refusal:
            self.add_error("email", refusal.detail)
        return data
