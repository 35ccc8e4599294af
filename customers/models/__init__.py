"""The parties: merchants, their staff and their customers."""

from customers.models.customer import Customer
from customers.models.fees import PlatformFeeOverride
from customers.models.link import AccountLink, LinkPurpose
from customers.models.membership import Membership, Role
from customers.models.merchant import FeePresentation, FeeTier, Merchant, PaymentMethod
from customers.models.token import RefreshToken, TokenFamily

__all__ = [
    "AccountLink",
    "Customer",
    "FeePresentation",
    "FeeTier",
    "LinkPurpose",
    "Membership",
    "Merchant",
    "PaymentMethod",
    "PlatformFeeOverride",
    "RefreshToken",
    "Role",
    "TokenFamily",
]
