"""Which lots can be used, and in which order: what expires first, then the oldest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from core import clock
from customers.models import Customer
from payments.models import Credit, CreditUse


@dataclass(frozen=True)
class Taken:
    """So much of one lot."""

    credit: Credit
    amount_minor: int


def of(customer: Customer, *, currency: str) -> QuerySet[Credit]:
    """The customer's lots that can be used today, in the order in which they are used."""
    today = clock.today(customer.merchant.timezone)
    usable = Q(expires_on__isnull=True) | Q(expires_on__gte=today)
    lots = Credit.objects.filter(usable, customer=customer, currency=currency, remaining_minor__gt=0)
    return lots.order_by(F("expires_on").asc(nulls_last=True), "id")


def available(customer: Customer, *, currency: str) -> int:
    """What the customer can spend today, in minor units."""
    total: int = of(customer, currency=currency).aggregate(total=Sum("remaining_minor", default=0))["total"]
    return total


def lock(lots: QuerySet[Credit]) -> list[Credit]:
    """The same lots, locked, in their order. Locked by id first, so that two never wait for each other."""
    ids = list(lots.values_list("pk", flat=True))
    rows = Credit.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    locked = {lot.pk: lot for lot in rows}
    return [locked[pk] for pk in ids]


def use(lots: Iterable[Credit], *, amount_minor: int, **about: Any) -> list[Taken]:
    """Take up to `amount_minor` out of locked lots, one CreditUse each; `about` are the use's other fields."""
    taken: list[Taken] = []
    for lot in lots:
        part = min(lot.remaining_minor, amount_minor - sum(done.amount_minor for done in taken))
        if part:
            lot.remaining_minor -= part
            lot.save(update_fields=["remaining_minor"])
            CreditUse.objects.create(credit=lot, amount_minor=part, **about)
            taken.append(Taken(lot, part))
    return taken
