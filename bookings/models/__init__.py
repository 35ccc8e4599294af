"""What is sold (menus, add-ons, slots, prices by place) and what was agreed (bookings and their plans)."""

from bookings.models.booking import Booking, BookingAddOn, BookingState, BookingStateChange
from bookings.models.catalogue import AddOn, Menu, Per, TaxRate, TravelFee
from bookings.models.edit import BookingEdit
from bookings.models.instalment import Instalment, Purpose
from bookings.models.legal import LegalKind, LegalText
from bookings.models.price_line import LineKind, PriceLine
from bookings.models.slot import Slot

__all__ = [
    "AddOn",
    "Booking",
    "BookingAddOn",
    "BookingEdit",
    "BookingState",
    "BookingStateChange",
    "Instalment",
    "LegalKind",
    "LegalText",
    "LineKind",
    "Menu",
    "Per",
    "PriceLine",
    "Purpose",
    "Slot",
    "TaxRate",
    "TravelFee",
]
