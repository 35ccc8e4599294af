"""Stripe's objects as rows of dj-stripe's tables: which columns, which values, which relations. No SQL is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models
from djstripe import models as djstripe
from djstripe.models import DjstripePaymentMethod

# Every type that dj-stripe has a table for and Stripe sends events about here.
MODELS: Mapping[str, type[models.Model]] = {
    "account": djstripe.Account,
    "balance_transaction": djstripe.BalanceTransaction,
    "charge": djstripe.Charge,
    "checkout.session": djstripe.Session,
    "customer": djstripe.Customer,
    "dispute": djstripe.Dispute,
    "invoice": djstripe.Invoice,
    "payment_intent": djstripe.PaymentIntent,
    "payment_method": djstripe.PaymentMethod,
    "payout": djstripe.Payout,
    "price": djstripe.Price,
    "product": djstripe.Product,
    "refund": djstripe.Refund,
    "review": djstripe.Review,
    "setup_intent": djstripe.SetupIntent,
    "subscription": djstripe.Subscription,
}
_TYPES: Mapping[type[models.Model], str] = {model: name for name, model in MODELS.items()}
# Written by us, or filled by dj-stripe from something else than the object.
_NOT_FROM_STRIPE = frozenset(
    {"djstripe_id", "djstripe_owner_account", "djstripe_created", "djstripe_updated"}
)
_NOT_OURS = frozenset({"stripe_data", "subscriber", "date_purged"})
# A row is of use without these: no event brings them, or what matters of them is in the payload.
IMMATERIAL = frozenset(
    {
        "balance_transaction",
        "failure_balance_transaction",
        "payment_method",
        "on_behalf_of",
        "destination",
        "source",
        "subscription",
    }
)


@dataclass(frozen=True)
class Relation:
    """A foreign key: `name` in the payload, `column` here, the row it means in `table`.`key`."""

    name: str
    column: str
    table: str
    key: str
    object_type: str
    required: bool

    @property
    def matters(self) -> bool:
        return self.required or self.name not in IMMATERIAL


@dataclass(frozen=True)
class Shape:
    """How one type is stored."""

    table: str
    plain: tuple[Any, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Record:
    """One object, ready to be stored: values by column, and the ids that its relations name."""

    object_type: str
    id: str
    shape: Shape
    values: dict[str, Any]
    related: dict[Relation, str | None]
    data: dict[str, Any]
    deleted: bool


@cache
def shape(object_type: str) -> Shape:
    """The type's table, read once from dj-stripe's model."""
    model = MODELS[object_type]
    fields = [
        field for field in model._meta.concrete_fields if field.name not in _NOT_FROM_STRIPE | _NOT_OURS
    ]
    return Shape(
        table=model._meta.db_table,
        plain=tuple(field for field in fields if not field.is_relation),
        relations=tuple(_relation(field) for field in fields if field.is_relation),
    )


def _relation(field: Any) -> Relation:
    target = field.related_model
    return Relation(
        name=field.name,
        column=field.column,
        table=target._meta.db_table,
        key=field.target_field.column,
        object_type="" if target is DjstripePaymentMethod else _TYPES.get(target, ""),
        required=not field.null,
    )


def record(data: Mapping[str, Any], *, deleted: bool = False) -> Record:
    """The object as dj-stripe would read it. `data` is Stripe's object as plain JSON, of a type in MODELS."""
    object_type = str(data["object"])
    model: Any = MODELS[object_type]
    here = shape(object_type)
    told = {**data, "deleted": True} if deleted else dict(data)
    read: dict[str, Any] = model._manipulate_stripe_object_hook(told)
    return Record(
        object_type=object_type,
        id=str(read["id"]),
        shape=here,
        values={field.column: _value(field, read) for field in here.plain},
        related={relation: _id(read[relation.name]) for relation in here.relations if relation.name in read},
        data=read,
        deleted=bool(read.get("deleted")),
    )


def _value(field: Any, data: Mapping[str, Any]) -> Any:
    value = field.stripe_to_db(data) if hasattr(field, "stripe_to_db") else data.get(field.name)
    if value is None and isinstance(field, models.CharField | models.TextField):
        value = ""
    elif value is None and not field.null and field.has_default():
        value = field.get_default()
    return field.get_db_prep_save(value, connection)


def _id(value: Any) -> str | None:
    """A relation's id, whether it was expanded or not."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value) if value else None


def stripe_data(data: Mapping[str, Any]) -> Any:
    """The payload as the database's JSON."""
    return djstripe.Charge._meta.get_field("stripe_data").get_db_prep_save(dict(data), connection)
