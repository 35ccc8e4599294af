"""What the pay page shows for Zelle and Venmo: whom to pay, how much, with which reference, and what becomes of it.

Reads only. `ClaimForm` is "I have sent it"; `manual.claim` decides what it is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import segno
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.safestring import SafeString

from bookings.models import Booking
from bookings.page_words import wall_clock
from bookings.pricing import percent
from core import clock
from core.money import format_minor
from customers.models import PaymentMethod
from payments import dues, manual, proofs
from payments.models import Claim, ClaimState, Payment
from payments.page_state import noun_of, noun_of_all

INPUT = {"class": "input"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to pay, as a link: its total and what it saves against the card."""

    label: str
    total_minor: int
    saving_words: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """What the customer told us, and how far it is."""

    public_id: str
    method: str
    sender_name: str
    sent_on: date
    proof_name: str
    reason: str
    held_until: datetime | None
    withdraw_href: str


@dataclass(frozen=True, slots=True)
class TransferPage:
    method: str
    title: str
    noun: str
    purpose: str
    currency: str
    amount_minor: int
    fee_minor: int
    total_minor: int
    fee_words: str
    saving_words: str
    handle: str
    handle_label: str
    recipient: str
    reference: str
    link: str
    qr: SafeString | str
    qr_href: str
    claim_href: str
    next_steps: tuple[tuple[str, str], ...]
    rejected: ShownClaim | None


def choices(booking: Booking, *, current: str, purpose: str = "") -> tuple[Choice, ...]:
    """Card first, then the transfers that the merchant takes; nothing to choose from where there is only the card."""
    methods = manual.offered(booking.merchant)
    if not methods:
        return ()
    ask = dues.next_due(booking, purpose=purpose)
    card = manual.with_fee(booking, ask.amount_minor, method=PaymentMethod.CARD).total_minor
    query = f"?purpose={purpose}" if purpose else ""
    shown = []
    for method in (PaymentMethod.CARD, *methods):
        total = manual.with_fee(booking, ask.amount_minor, method=method).total_minor
        saved = card - total
        shown.append(
            Choice(
                label=str(PaymentMethod(method).label),
                total_minor=total,
                saving_words=f"saves {format_minor(saved, booking.currency)}" if saved > 0 else "",
                href=f"{_href(booking, method=method)}{query}",
                is_current=method == current,
            )
        )
    return tuple(shown)


def _href(booking: Booking, *, method: str) -> str:
    if method == PaymentMethod.CARD:
        return reverse("payments:pay", kwargs={"code": booking.code})
    return reverse("payments:transfer", kwargs={"code": booking.code, "method": method})


def build(booking: Booking, *, method: str, purpose: str = "") -> TransferPage:
    """The page of one method. Raises NotOffered, AlreadyPaid, NothingToPay."""
    told = manual.instructions(booking, method=method, purpose=purpose)
    label = str(PaymentMethod(method).label)
    noun = noun_of_all(booking) if told.purpose == "full" else noun_of(told.instalment)
    saving = format_minor(told.saving_minor, told.currency)
    zelle_qr = method == PaymentMethod.ZELLE and bool(booking.merchant.zelle_qr)
    return TransferPage(
        method=label,
        title=f"Pay {noun} with {label}",
        noun=noun.removeprefix("the "),
        purpose=purpose,
        currency=told.currency,
        amount_minor=told.amount_minor,
        fee_minor=told.fee_minor,
        total_minor=told.total_minor,
        fee_words=f"{label} fee, {percent(told.fee_rate)}" if told.fee_minor else "",
        saving_words=f"You save {saving} against paying by card." if told.saving_minor else "",
        handle=f"@{told.handle}" if method == PaymentMethod.VENMO else told.handle,
        handle_label="Venmo" if method == PaymentMethod.VENMO else _kind_of(told.handle),
        recipient=told.recipient,
        reference=told.reference,
        link=told.link,
        qr=_qr(told.link) if told.link else "",
        qr_href=reverse("payments:zelle-qr", kwargs={"code": booking.code}) if zelle_qr else "",
        claim_href=reverse("payments:claim", kwargs={"code": booking.code, "method": method}),
        next_steps=_next_steps(booking, label=label),
        rejected=_rejected(booking, method=method),
    )


def _kind_of(handle: str) -> str:
    return "E-mail enrolled with Zelle" if "@" in handle else "Phone enrolled with Zelle"


def _qr(link: str) -> SafeString:
    """Inline SVG without styles of its own, as the content policy asks; segno escapes what it draws."""
    return SafeString(
        segno.make(link, error="m", micro=False).svg_inline(omitsize=True, border=2, lineclass="qr-line")
    )


def _next_steps(booking: Booking, *, label: str) -> tuple[tuple[str, str], ...]:
    hours = booking.merchant.claim_hold_hours
    where = "In Venmo" if label == "Venmo" else "In your bank’s app"
    is_lengthened = booking.state == "held" and not any(said.extended_hold for said in _claims(booking))
    held = f" Your date stays held for up to {hours} hours meanwhile." if is_lengthened else ""
    return (
        ("You send it", f"{where}, with {booking.code} in the note."),
        ("You tell us below", f"So that we know whose it is.{held}"),
        ("We check, within one working day", f"Then the receipt comes to {booking.contact_email}."),
    )


def open_claim(booking: Booking) -> ShownClaim | None:
    """The claim that is being checked, the newest when there are several."""
    said = _claims(booking, state=ClaimState.OPEN)
    return _shown(said[0], booking=booking) if said else None


def _rejected(booking: Booking, *, method: str) -> ShownClaim | None:
    """The last word on this method, when it was that nothing was found."""
    said = [one for one in _claims(booking) if one.payment.method == method]
    return _shown(said[0], booking=booking) if said and said[0].state == ClaimState.REJECTED else None


def _claims(booking: Booking, *, state: str = "") -> Sequence[Claim]:
    rows = Claim.objects.filter(payment__booking=booking).select_related("payment").order_by("-id")
    return list(rows.filter(state=state) if state else rows)


def _shown(said: Claim, *, booking: Booking) -> ShownClaim:
    until = booking.hold_expires_at if booking.state == "held" else None
    return ShownClaim(
        public_id=str(said.public_id),
        method=str(said.payment.get_method_display()),
        sender_name=said.sender_name,
        sent_on=said.sent_on,
        proof_name=said.proof_name,
        reason=said.reason,
        held_until=wall_clock(booking.local(until)) if until and until > clock.now() else None,
        withdraw_href=reverse(
            "payments:withdraw", kwargs={"code": booking.code, "public_id": said.public_id}
        ),
    )


def first_values(booking: Booking) -> dict[str, object]:
    """What the claim form starts with."""
    return {"sender_name": booking.contact_name, "sent_on": clock.today(booking.timezone)}


class ClaimForm(forms.Form):
    """ "I have sent it". The proof is optional: a screenshot helps to find it, no more."""

    use_required_attribute = False

    sender_name = forms.CharField(
        label="Name on the transfer",
        max_length=120,
        error_messages={"required": "Whose name stands on the transfer?"},
        widget=forms.TextInput(attrs={**INPUT, "autocomplete": "name"}),
    )
    sent_on = forms.DateField(
        label="Sent on",
        error_messages={
            "required": "Give the day on which you sent it.",
            "invalid": "Give a day, like 2026-12-05.",
        },
        widget=forms.DateInput(attrs={**INPUT, "type": "date"}, format="%Y-%m-%d"),
    )
    proof = forms.FileField(
        label="Screenshot or PDF of the transfer",
        required=False,
        help_text="Up to 8 MB. We remove where and with what it was taken, and only our staff see it.",
        widget=forms.FileInput(attrs={**INPUT, "accept": "image/jpeg,image/png,image/webp,application/pdf"}),
    )
    note = forms.CharField(
        label="Anything we should know",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={**INPUT, "rows": 2}),
    )

    def clean_proof(self) -> proofs.Proof | None:
        upload = self.cleaned_data.get("proof")
        if not isinstance(upload, UploadedFile):
            return None
        try:
            return proofs.read(upload)
        except proofs.Refused as refusal:
            raise forms.ValidationError(refusal.detail) from refusal


def claim(booking: Booking, *, method: str, form: ClaimForm, purpose: str = "") -> Claim:
    """Start the payment that the page showed, if it is not there yet, and claim it. The form is valid."""
    payment: Payment = manual.start(booking, method=method, actor="customer", purpose=purpose)
    said = form.cleaned_data
    return manual.claim(
        payment,
        sender_name=said["sender_name"],
        sent_on=said["sent_on"],
        note=said["note"],
        proof=said["proof"],
        actor="customer",
    )
