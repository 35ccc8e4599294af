"""Whose page it is: every customer page belongs to the merchant of the host that was asked."""

from customers.merchants import of_request as merchant_of

__all__ = ["merchant_of"]
