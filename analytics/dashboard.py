"""The console's start page: what needs a person today, then what is coming and what came in.

Every number is one statement, whatever the number of rows, and links to the list filtered by the same question
(payments/admin/filters.py), so a tile and its list never disagree. Scoped like everything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Model, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse

from bookings.models import Booking
from core import clock
from core.money import format_whole
from customers import access
from customers.console import amount, moment
from payments.admin import filters
from payments.admin.tones import state_badge
from payments.models import Claim, DeskItem, Payment, PaymentState, Refund, WebhookEvent

User = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=Model)

MERCHANT_PATHS: dict[type[Model], str] = {
    Refund: "payment__merchant",
    WebhookEvent: "endpoint__gateway_account__merchant",
}
SHOWN_EVENTS = 8


@dataclass(frozen=True)
class Tile:
    """A question with its count. `tone` colours it only when the count is not zero."""

    title: str
    count: int
    note: str
    url: str
    icon: str
    tone: str

    @property
    def is_quiet(self) -> bool:
        return self.count == 0


def mine(model: type[Row], *, user: User) -> QuerySet[Row]:
    """The person's own rows of a model."""
    permission = f"{model._meta.app_label}.view_{model._meta.model_name}"
    path = MERCHANT_PATHS.get(model, "merchant")
    return access.scope(model._default_manager.all(), user=user, permission=permission, path=path)


def open_desk_items(user: User) -> int:
    if not access.places(user):
        return 0
    return filters.open_items(mine(DeskItem, user=user)).count()


def claims_waiting(user: User) -> int:
    if not access.places(user):
        return 0
    return filters.claims_to_check(mine(Claim, user=user)).count()


def refunds_waiting(user: User) -> int:
    """To be approved, or sent by hand."""
    if not access.places(user):
        return 0
    rows = mine(Refund, user=user)
    return (filters.refunds_to_approve(rows) | filters.refunds_to_send(rows)).count()


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold calls this for the index page; the template is templates/admin/index.html."""
    places = access.places(request.user)
    context["title"] = "Today"
    context["works_somewhere"] = bool(places)
    if places:
        now = moment(clock.now()).rsplit(",", 1)[0]
        context.update(
            subtitle=None,
            today_is=now,
            merchants=" and ".join(place.merchant.name for place in places),
            tiles=_tiles(request.user),
            coming=_soon(request.user),
            income=_income(request.user),
        )
    return context


@dataclass(frozen=True)
class Question:
    """What a tile counts and where it leads: `ask` narrows a person's own rows of `model`, `query` the list's."""

    model: type[Model]
    ask: Callable[[QuerySet[Any]], QuerySet[Any]]
    title: str
    note: str
    query: str
    icon: str
    tone: str = "bad"
    page: str = "changelist"


QUESTIONS = (
    Question(
        Claim,
        filters.claims_to_check,
        title="To verify",
        note="transfers that customers say they sent",
        query="by=age",
        icon="fact_check",
        tone="warn",
        page="inbox",
    ),
    Question(
        DeskItem,
        filters.open_items,
        title="On the desk",
        note="money that does not fit",
        query="standing=open",
        icon="inbox",
    ),
    Question(
        Payment,
        lambda rows: rows.filter(state=PaymentState.UNKNOWN),
        title="Payments unknown",
        note="Stripe is being asked",
        query="state__exact=unknown",
        icon="help",
    ),
    Question(
        Refund,
        filters.refunds_to_approve,
        title="Refunds to approve",
        note="asked for by a colleague",
        query="look=approve",
        icon="how_to_reg",
        tone="warn",
    ),
    Question(
        Refund,
        filters.refunds_to_send,
        title="Refunds to send",
        note="by hand, then recorded",
        query="look=send",
        icon="outbox",
        tone="warn",
    ),
    Question(
        Refund,
        filters.refunds_failed_recently,
        title="Refunds failed",
        note="in the last 30 days",
        query="look=failed",
        icon="undo",
    ),
    Question(
        Refund,
        filters.refunds_on_their_way,
        title="Refunds on their way",
        note="sent, not done yet",
        query="look=on_their_way",
        icon="pending",
        tone="warn",
    ),
    Question(
        WebhookEvent,
        filters.events_in_trouble,
        title="Events in trouble",
        note="failed or given up",
        query="look=trouble",
        icon="bolt",
    ),
    Question(
        Booking,
        filters.holds_ending_soon,
        title="Holds ending",
        note="within 30 minutes, unpaid",
        query="hold=soon",
        icon="hourglass_bottom",
        tone="warn",
    ),
)


def _tiles(user: User) -> list[Tile]:
    return [_tile(question, user=user) for question in QUESTIONS]


def _tile(question: Question, *, user: User) -> Tile:
    options = question.model._meta
    view = f"admin:{options.app_label}_{options.model_name}_{question.page}"
    return Tile(
        title=question.title,
        count=question.ask(mine(question.model, user=user)).order_by().count(),
        note=question.note,
        url=f"{reverse(view)}?{question.query}",
        icon=question.icon,
        tone=question.tone,
    )


def _soon(user: User) -> dict[str, Any]:
    """The events of today and the six days after it, the first few by name: on a Sunday, Monday's too."""
    rows = filters.events_soon(mine(Booking, user=user))
    shown = list(rows.order_by("starts_at").select_related("menu", "merchant")[:SHOWN_EVENTS])
    counted = rows.aggregate(soon=Count("pk"), today=Count("pk", filter=filters.is_today()))
    url = reverse("admin:bookings_booking_changelist")
    return {
        "events": [
            {
                "url": reverse("admin:bookings_booking_change", args=[booking.pk]),
                "when": moment(booking.starts_at, zone=booking.timezone),
                "who": booking.contact_name,
                "what": f"{booking.guests} guests, {booking.menu.name}, {booking.city}",
                "state": state_badge(booking),
            }
            for booking in shown
        ],
        "today_count": counted["today"],
        "soon_count": counted["soon"],
        "today_url": f"{url}?event=today",
        "soon_url": f"{url}?event=soon",
    }


def _income(user: User) -> list[dict[str, Any]]:
    """Received this week by day, per currency: two short lists of sums, whatever the number of payments."""
    monday, next_monday = filters.this_week()
    received = filters.received_this_week(mine(Payment, user=user))
    by_day = (
        received.order_by()
        .values("currency", day=TruncDate("succeeded_at"))
        .annotate(total=Sum("received_minor"), back=Sum("refunded_minor"), n=Count("pk"))
    )
    groups: dict[str, dict[Any, Any]] = {}
    for each in by_day:
        groups.setdefault(each["currency"], {})[each["day"]] = each
    url = f"{reverse('admin:payments_payment_changelist')}?received=week"
    days = [monday + timedelta(days=offset) for offset in range((next_monday - monday).days)]
    return [_one_currency(currency, found=found, days=days, url=url) for currency, found in groups.items()]


def _one_currency(currency: str, *, found: dict[Any, Any], days: list[Any], url: str) -> dict[str, Any]:
    highest = max((each["total"] for each in found.values()), default=0) or 1
    return {
        "url": url,
        "total": amount(sum(each["total"] for each in found.values()), currency=currency),
        "refunded": amount(sum(each["back"] for each in found.values()), currency=currency),
        "count": sum(each["n"] for each in found.values()),
        "days": [
            {
                "name": f"{day:%a}",
                "is_today": day == filters.today(),
                "total": format_whole(found[day]["total"] if day in found else 0, currency),
                "percent": found[day]["total"] * 100 // highest if day in found else 0,
            }
            for day in days
        ],
    }
