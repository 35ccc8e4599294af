"""Whose page it is: every customer page belongs to the merchant of the host that was asked."""

from django.http import Http404, HttpRequest

from core.errors import NotFound
from customers import merchants
from customers.models import Merchant


def merchant_of(request: HttpRequest) -> Merchant:
    """The merchant of this request's host; Http404 when none answers here."""
    try:
        return merchants.for_host(request.get_host())
    except NotFound as error:
        raise Http404(str(error)) from error
