"""Tables that more than one money page ends with. Each is one statement, whatever its length."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bookings.models import Booking
from core.money import format_minor
from core.states import StatefulModel
from customers.console import Panel, amount, badge, link, people, stamp
from customers.models import Merchant
from payments.admin.tones import TONES, state_badge, state_labels
from payments.models import LedgerEntry, Payment, Refund, RefundRoute, RefundState


def history(row: StatefulModel) -> Panel:
    """Every change of state: from, to, by whom, why."""
    labels = state_labels(row)
    tones = TONES.get(row._meta.model_name or "", {})

    if isinstance(row, Refund) and row.route != RefundRoute.GATEWAY:
        labels[RefundState.SUBMITTED] = "Sent"  # by a person, or kept as credit: Stripe has no part in it

    def shown(state: str) -> SafeString:
        return badge(labels.get(state, state), tone=tones.get(state, "plain"))

    changes = list(row.changes.all())
    names = people(change.actor for change in changes)
    return Panel(
        title="History",
        columns=("When", "From", "To", "By", "Why"),
        rows=[
            (
                stamp(change.created_at),
                shown(change.from_state),
                shown(change.to_state),
                names[change.actor],
                _why(change.reason, event_id=change.event_id),
            )
            for change in changes
        ],
        empty="No change yet.",
    )


def edits(row: Booking) -> Panel:
    """What was changed about a booking, by whom and why: its price, and when what is open is due."""
    found = list(row.edits.all())
    names = people(edit.actor for edit in found)
    return Panel(
        title="Changes",
        columns=("When", "By", "Price", "Due", "Why"),
        rows=[
            (
                stamp(edit.created_at),
                names[edit.actor],
                _turned(
                    *(format_minor(side["total_minor"], row.currency) for side in (edit.before, edit.after))
                ),
                _turned(*(_last_day(side) for side in (edit.before, edit.after))),
                edit.reason,
            )
            for edit in found
        ],
        empty="Nothing was changed.",
    )


def _last_day(snapshot: dict[str, Any]) -> str:
    days = [part["due_on"] for part in snapshot["plan"] if part["due_on"]]
    return max(days, default="now")


def _turned(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _why(reason: str, *, event_id: str) -> SafeString | str:
    if not event_id:
        return reason
    url = f"{reverse('admin:payments_webhookevent_changelist')}?q={event_id}"
    return format_html('{} <a class="ts-link ts-code" href="{}">{}</a>', reason, url, event_id)


def ledger(entries: QuerySet[LedgerEntry], *, merchant: Merchant) -> Panel:
    """Debit and credit as bookkeepers read them."""
    entries = entries.select_related("transaction").order_by("transaction_id", "id")
    return Panel(
        title="Ledger",
        columns=("When", "What", "Account", "Debit", "Credit"),
        rows=[
            (
                stamp(entry.transaction.occurred_at),
                link(entry.transaction, text=entry.transaction.description),
                entry.get_account_display(),
                *debit_and_credit(entry, currency=entry.transaction.currency, locale=merchant.locale),
            )
            for entry in entries
        ],
        empty="Nothing was posted yet.",
        numeric=frozenset({3, 4}),
    )


def debit_and_credit(entry: LedgerEntry, *, currency: str, locale: str) -> tuple[object, object]:
    shown = amount(abs(entry.amount_minor), currency=currency, locale=locale)
    return (shown, "") if entry.amount_minor > 0 else ("", shown)


def payments(rows: QuerySet[Payment], *, merchant: Merchant) -> Panel:
    return Panel(
        title="Payments",
        columns=("When", "State", "For", "Method", "Asked", "Received", "Refunded"),
        rows=[
            (
                link(payment, text=stamp(payment.created_at)),
                state_badge(payment),
                payment.get_purpose_display() or "–",
                method(payment),
                amount(payment.total_minor, currency=payment.currency, locale=merchant.locale),
                amount(payment.received_minor, currency=payment.currency, locale=merchant.locale),
                amount(payment.refunded_minor, currency=payment.currency, locale=merchant.locale),
            )
            for payment in rows
        ],
        empty="No payment was started yet.",
        numeric=frozenset({4, 5, 6}),
    )


def refunds(rows: QuerySet[Refund], *, merchant: Merchant) -> Panel:
    return Panel(
        title="Refunds",
        columns=("When", "State", "Cause", "Reason", "By", "Principal", "Fee share", "Total"),
        rows=[
            (
                link(refund, text=stamp(refund.created_at)),
                state_badge(refund),
                refund.get_cause_display(),
                (refund.failure_reason and f"{refund.reason} ({refund.failure_words})") or refund.reason,
                refund.requested_by.get_username() if refund.requested_by else "–",
                amount(refund.amount_minor, currency=refund.currency, locale=merchant.locale),
                amount(refund.fee_minor, currency=refund.currency, locale=merchant.locale),
                amount(refund.total_minor, currency=refund.currency, locale=merchant.locale),
            )
            for refund in rows.select_related("requested_by")
        ],
        empty="Nothing went back.",
        numeric=frozenset({5, 6, 7}),
    )


def method(payment: Payment) -> str:
    """ "Visa 4242", or the method's name."""
    card = f"{payment.card_brand.title()} {payment.card_last4}".strip()
    return card or payment.get_method_display()


def two_lines(first: object, second: object) -> SafeString:
    """A cell with a quiet second line."""
    return format_html('<span class="ts-two">{}<small>{}</small></span>', first, second)


def stacked(lines: list[object]) -> SafeString:
    return format_html("<div>{}</div>", format_html_join("", "<div>{}</div>", ((line,) for line in lines)))
