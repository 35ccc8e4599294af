"""What staff may see and do: everything follows from their Memberships.

Rows are scoped by `scope`, single permissions are answered by `may`; `ROLES` is the only table of what a role may do.
`MembershipBackend` answers Django's `has_perm` from the same table. A superuser gets no merchant's rows and no money
permission from being one: Django says yes to a superuser before any backend is asked, so code that guards a merchant's
rows calls `may`, never `user.has_perm`. Views, APIs and admins of every room may call this.
"""

from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model, Q, QuerySet

from customers.models import Membership, Merchant, Role

User = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=Model)

REFUND = "payments.refund"
APPROVE = "payments.approve_refund"
CANCEL = "payments.cancel_booking"  # and reinstate
COMPLETE = "payments.complete_booking"  # and take that back
RESOLVE = "payments.resolve_desk"
GRANT_CREDIT = "payments.grant_credit"
WRITE_OFF = "payments.write_off"
CAPTURE = "payments.capture"
CHARGE_CARD = "payments.charge_card"
VERIFY = "payments.verify"  # transfers: confirm, reject, record
REVERSE = "payments.reverse"  # transfers: take back
IMPORT_STATEMENT = "payments.import_statement"
HANDLE_EVENTS = "payments.handle_events"
CHANGE_KEYS = "payments.change_gatewayaccount"
_LOCKED = "_locked_without_second_factor"


def _codes(app: str, *, models: str, actions: str) -> frozenset[str]:
    return frozenset(f"{app}.{action}_{model}" for model in models.split() for action in actions.split())


_SEE = (
    _codes("customers", models="merchant customer platformfeeoverride", actions="view")
    | _codes("bookings", models="menu addon taxrate travelfee slot booking legaltext", actions="view")
    | _codes(
        "payments", models="payment refund receipt creditnote deskitem webhookevent savedcard", actions="view"
    )
    | _codes("payments", models="ledgertransaction ledgerentry balancetransaction", actions="view")
    | _codes("payments", models="claim transfer statementimport statementline", actions="view")
    | _codes("payments", models="bulkcancellation", actions="view")
    | _codes("core", models="outboxemail", actions="view")
    | frozenset({"djstripe.view"})
)
_WORK = (
    _codes("customers", models="customer", actions="add change")
    | _codes("bookings", models="slot", actions="add change delete")
    | _codes("bookings", models="menu addon", actions="add change")
    | _codes("bookings", models="booking", actions="change")
    | frozenset({VERIFY, IMPORT_STATEMENT})
)
_MANAGE = _codes("bookings", models="menu addon taxrate travelfee", actions="add change delete") | frozenset(
    {
        REFUND,
        APPROVE,
        CANCEL,
        COMPLETE,
        RESOLVE,
        GRANT_CREDIT,
        WRITE_OFF,
        CAPTURE,
        CHARGE_CARD,
        REVERSE,
        HANDLE_EVENTS,
    }
)
_OWN = (
    _codes("bookings", models="legaltext", actions="add")
    | _codes("customers", models="merchant", actions="change")
    | _codes("payments", models="gatewayaccount", actions="view change")
    | _codes("customers", models="membership", actions="view add change delete")
)

ROLES: dict[str, frozenset[str]] = {
    Role.VIEWER: _SEE,
    Role.CLERK: _SEE | _WORK,
    Role.MANAGER: _SEE | _WORK | _MANAGE,
    Role.OWNER: _SEE | _WORK | _MANAGE | _OWN,
}


@dataclass(frozen=True)
class Place:
    """One merchant where a user works, and as what."""

    merchant: Merchant
    role: str


def lock(user: User) -> None:
    """For this request the user works nowhere: a second factor is missing (customers/authentication says when)."""
    setattr(user, _LOCKED, True)


def is_locked(user: User) -> bool:
    return getattr(user, _LOCKED, False) is True


def places(user: User) -> list[Place]:
    """Where this user works; read once per user object, that is once per request. Nowhere while locked."""
    if not user.is_authenticated or not user.is_active or is_locked(user):
        return []
    known: list[Place] | None = getattr(user, "_places", None)
    if known is None:
        rows = (
            Membership.objects.filter(user_id=user.pk).select_related("merchant").order_by("merchant__name")
        )
        known = [Place(merchant=row.merchant, role=row.role) for row in rows]
        setattr(user, "_places", known)  # noqa: B010 - a memo of ours on Django's object
    return known


def forget(user: User) -> None:
    """Read the memberships anew at the next question (they were just changed)."""
    if hasattr(user, "_places"):
        delattr(user, "_places")


def merchants_where(user: User, *, permission: str) -> list[Merchant]:
    """The merchants at which this user's role grants the permission."""
    return [place.merchant for place in places(user) if permission in ROLES.get(place.role, frozenset())]


def may(user: User, *, permission: str, merchant_id: int | None = None) -> bool:
    """Does the user's role grant this: at that merchant, or, without one, anywhere? Superusers are nothing special."""
    merchants = merchants_where(user, permission=permission)
    return any(merchant_id is None or merchant.pk == merchant_id for merchant in merchants)


def who_may(merchant: Merchant, *, permission: str) -> list[AbstractBaseUser]:
    """The merchant's active staff whose role grants it, for telling them."""
    roles = [role for role, granted in ROLES.items() if permission in granted]
    rows = Membership.objects.filter(merchant=merchant, role__in=roles, user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("pk")]


def scope(rows: QuerySet[Row], *, user: User, permission: str, path: str = "merchant") -> QuerySet[Row]:
    """The rows of merchants at which the permission is granted. `path` leads from the row to its merchant."""
    ids = [merchant.pk for merchant in merchants_where(user, permission=permission)]
    return rows.filter(Q(**{f"{path}__in": ids}))


def merchant_of(row: Model, *, path: str = "merchant") -> int | None:
    """The merchant's id that `path` leads to from a row."""
    *steps, last = path.split("__")
    for step in steps:
        row = getattr(row, step)
    value: int | None = getattr(row, last if last in {"pk", "merchant_id"} else f"{last}_id")
    return value


class MembershipBackend(BaseBackend):
    """Beside ModelBackend: grants what the Memberships grant. Given a row, only what its own merchant's role grants."""

    def has_perm(self, user_obj: User, perm: str, obj: Model | None = None) -> bool:
        """The same without collecting all: a page of the console asks a few hundred times."""
        if obj is None:
            return any(perm in ROLES.get(place.role, frozenset()) for place in places(user_obj))
        return perm in self.get_user_permissions(user_obj, obj)

    def get_user_permissions(self, user_obj: User, obj: Model | None = None) -> set[str]:
        if obj is not None and not hasattr(obj, "merchant_id") and not isinstance(obj, Merchant):
            return set()
        wanted = None if obj is None else obj.pk if isinstance(obj, Merchant) else merchant_of(obj)
        return {
            permission
            for place in places(user_obj)
            if wanted is None or place.merchant.pk == wanted
            for permission in ROLES.get(place.role, frozenset())
        }

    def has_module_perms(self, user_obj: User, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_user_permissions(user_obj))
