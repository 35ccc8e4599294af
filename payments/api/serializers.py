"""Shapes of bookings and payments in the API. Amounts go out; those that come in are compared, never used."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from bookings.api.serializers import MAX_COUNT, PartySerializer, PriceLineSerializer
from bookings.models import Booking, BookingState, Purpose
from core.api import MoneyField, MoneySerializer
from core.money import Money
from customers.models import PaymentMethod
from payments import dues
from payments.api.refund_shapes import CreditNoteSerializer
from payments.models import Capture, CheckoutMode, CreditNote, Payment, PaymentState

Serializer = serializers.Serializer[Any]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Ten adults and two children",
            request_only=True,
            value={
                "slot": "2f6c1c9e-6d0b-4c9e-9a53-0c6c2f0f5d11",
                "menu": 1,
                "adults": 10,
                "children": 2,
                "add_ons": [{"id": 1, "quantity": 1}],
                "street": "1 Sample Street",
                "city": "San Francisco",
                "region": "CA",
                "postal_code": "94110",
                "name": "Ada Example",
                "email": "ada@example.com",
                "phone": "+14155552671",
                "notes": "",
                "terms_accepted": True,
            },
        )
    ]
)
class BookingRequestSerializer(PartySerializer):
    """A booking to make. Names and addresses are trimmed; every problem is told by field."""

    slot = serializers.UUIDField(help_text="Id of a time from GET slots.")
    adults = serializers.IntegerField(min_value=0, max_value=MAX_COUNT)
    street = serializers.CharField(max_length=500)
    city = serializers.CharField(max_length=500)
    region = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=500)
    email = serializers.CharField(max_length=500)
    phone = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    notes = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, default="", trim_whitespace=False
    )
    terms_accepted = serializers.BooleanField(help_text="The terms named by the catalogue's terms_version.")


class InstalmentSerializer(Serializer):
    purpose = serializers.ChoiceField(Purpose.choices)
    amount = MoneyField("amount_minor", currency="booking.currency")
    paid = MoneyField("paid_minor", currency="booking.currency")
    written_off = MoneyField(
        "forgiven_minor",
        currency="booking.currency",
        help_text="Not asked for any more, and not paid either.",
    )
    open = MoneyField("open_minor", currency="booking.currency")
    due_on = serializers.DateField(allow_null=True, help_text="null: due now.")


class AddressSerializer(Serializer):
    street = serializers.CharField()
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()


class ContactSerializer(Serializer):
    name = serializers.CharField(source="contact_name")
    email = serializers.CharField(source="contact_email")
    phone = serializers.CharField(source="contact_phone")


class ChosenAddOnSerializer(Serializer):
    id = serializers.IntegerField(source="add_on_id")
    name = serializers.CharField(source="add_on.name")
    quantity = serializers.IntegerField()


class BookingSummarySerializer(Serializer):
    """A booking as in lists. `total` is the price with tax, without method fees."""

    id = serializers.UUIDField(source="public_id")
    code = serializers.CharField(help_text="The payment reference; not a secret.")
    state = serializers.ChoiceField(BookingState.choices)
    starts_at = serializers.SerializerMethodField()
    ends_at = serializers.SerializerMethodField()
    timezone = serializers.CharField()
    adults = serializers.IntegerField()
    children = serializers.IntegerField()
    menu = serializers.CharField(source="menu.name")
    contact = ContactSerializer(source="*")
    total = MoneyField("total_minor")
    tax = MoneyField("tax_minor")
    paid = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()
    hold_expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_starts_at(self, booking: Booking) -> str:
        """In the event's zone."""
        return booking.local(booking.starts_at).isoformat()

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_ends_at(self, booking: Booking) -> str:
        """In the event's zone."""
        return booking.local(booking.ends_at).isoformat()

    @extend_schema_field(InstalmentSerializer(many=True))
    def get_plan(self, booking: Booking) -> Any:
        """The instalments in their order; what was planned away is left out."""
        return InstalmentSerializer(dues.shown(booking), many=True).data

    @extend_schema_field(MoneySerializer)
    def get_paid(self, booking: Booking) -> dict[str, int | str]:
        """What is paid of the plan, without method fees."""
        return Money(sum(part.paid_minor for part in booking.instalments.all()), booking.currency).as_json()


class BookingSerializer(BookingSummarySerializer):
    """A booking with what was agreed to."""

    address = AddressSerializer(source="*")
    add_ons = ChosenAddOnSerializer(many=True)
    notes = serializers.CharField(source="customer_notes")
    terms_version = serializers.CharField()
    lines = serializers.SerializerMethodField()

    @extend_schema_field(PriceLineSerializer(many=True))
    def get_lines(self, booking: Booking) -> Any:
        """The price agreed to, and later reductions."""
        return PriceLineSerializer(
            [
                {
                    "kind": line.kind,
                    "description": line.description,
                    "quantity": line.quantity,
                    "unit_minor": line.unit_minor,
                    "amount_minor": line.amount_minor,
                    "currency": booking.currency,
                }
                for line in booking.lines.all()
            ],
            many=True,
        ).data


class NewBookingSerializer(BookingSerializer):
    access_token = serializers.CharField(
        read_only=True, help_text="Send it as `Authorization: Booking <token>` with what follows."
    )


class AttemptSerializer(Serializer):
    """A declined card, or a refusal; the payment can be tried again."""

    code = serializers.CharField()
    decline_code = serializers.CharField()
    message = serializers.CharField()
    created_at = serializers.DateTimeField()


class PaymentSerializer(Serializer):
    """`amount` is the instalment, `fee` the method's fee, `total` what the customer pays."""

    id = serializers.UUIDField(source="public_id")
    booking = serializers.SerializerMethodField()
    method = serializers.ChoiceField(PaymentMethod.choices)
    purpose = serializers.CharField()
    mode = serializers.ChoiceField(CheckoutMode.choices, allow_blank=True)
    state = serializers.ChoiceField(PaymentState.choices)
    capture = serializers.ChoiceField(
        Capture.choices, help_text="manual: the card promises the money, staff capture it."
    )
    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    total = MoneyField("total_minor")
    received = MoneyField("received_minor")
    refunding = MoneyField("refunding_minor", help_text="Refunds asked for or on their way.")
    refunded = MoneyField("refunded_minor")
    card_brand = serializers.CharField()
    card_last4 = serializers.CharField()
    created_at = serializers.DateTimeField()
    succeeded_at = serializers.DateTimeField(allow_null=True)
    receipt = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_booking(self, payment: Payment) -> str | None:
        """The booking's code."""
        return payment.booking.code if payment.booking else None

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_receipt(self, payment: Payment) -> str | None:
        """Where the receipt's PDF is, once there is one."""
        if getattr(payment, "receipt", None) is None:
            return None
        return reverse("payment-receipt", args=[payment.public_id], request=self.context.get("request"))


class StateChangeSerializer(Serializer):
    from_state = serializers.CharField()
    to_state = serializers.CharField()
    at = serializers.DateTimeField(source="created_at")


class PaymentDetailSerializer(PaymentSerializer):
    """With its declined tries and the states it went through, oldest first."""

    attempts = AttemptSerializer(many=True)
    history = StateChangeSerializer(source="changes", many=True)
    capture_before = serializers.SerializerMethodField()
    credit_notes = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_capture_before(self, payment: Payment) -> str | None:
        """When the card's bank lets go of the money that it promised; null without a promise."""
        promise = getattr(payment, "authorization", None)
        until = promise.capture_before if promise is not None else None
        return until.isoformat() if until else None

    @extend_schema_field(CreditNoteSerializer(many=True))
    def get_credit_notes(self, payment: Payment) -> list[dict[str, Any]]:
        """What the price fell by because of this payment's refunds, oldest first."""
        notes = (
            CreditNote.objects.filter(refund__payment=payment).select_related("refund__payment").defer("pdf")
        )
        return [CreditNoteSerializer(note, context=self.context).data for note in notes.order_by("id")]


@extend_schema_serializer(
    examples=[
        OpenApiExample("The deposit", request_only=True, value={"booking": "HRPHDJ4Q", "purpose": "deposit"})
    ]
)
class StartSerializer(Serializer):
    """Which instalment to pay. Amounts are ours: one that is sent is compared, and refused if it differs."""

    booking = serializers.CharField(max_length=64, help_text="The booking's code.")
    purpose = serializers.ChoiceField(
        Purpose.choices, required=False, default="", help_text="Left out: the next instalment that is open."
    )
    amount = serializers.JSONField(
        required=False,
        help_text='Compared with the instalment: 10000, or {"amount": 10000, "currency": "usd"}.',
    )
    total = serializers.JSONField(required=False, help_text="Compared with instalment plus fee.")
    currency = serializers.JSONField(required=False, help_text="Compared with the booking's.")
    line_items = serializers.JSONField(
        required=False, help_text="Their sum is compared with instalment plus fee."
    )


class StartIntentSerializer(StartSerializer):
    payment_method = serializers.UUIDField(
        required=False,
        help_text="A saved card of the signed-in customer's own (GET payments/methods), to be paid with at once.",
    )


class IntentSerializer(Serializer):
    """For Stripe.js: the Payment Element's keys. The secret is Stripe's and not kept here."""

    payment = PaymentSerializer()
    publishable_key = serializers.CharField()
    client_secret = serializers.CharField(allow_null=True)
    payment_method = serializers.CharField(
        required=False,
        help_text="Stripe's id of the saved card that was named: `confirmParams.payment_method` of "
        "`stripe.confirmPayment`, without Elements.",
    )


class CheckoutSessionSerializer(Serializer):
    """Send the customer to `url`; null once the session is over."""

    payment = PaymentSerializer()
    publishable_key = serializers.CharField()
    url = serializers.URLField(allow_null=True)
