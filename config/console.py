"""The look and the sidebar of the staff console (django-unfold's settings).

Colours are those of the customer pages' tokens (static/tableside/css/tokens.css): linen and charcoal carry the page,
ember acts. What unfold cannot be told here stands in static/admin_tableside/.
"""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

LINEN_TO_CHARCOAL = {
    "50": "#faf6ee",
    "100": "#f2ebde",
    "200": "#e4d9c6",
    "300": "#cdbfac",
    "400": "#a99c8b",
    "500": "#6f6458",
    "600": "#594f45",
    "700": "#483d34",
    "800": "#2f2721",
    "900": "#211b17",
    "950": "#120f0d",
}
EMBER = {
    "50": "#fdf4ef",
    "100": "#fbe9df",
    "200": "#f6cdb8",
    "300": "#f0ac8a",
    "400": "#ec8252",
    "500": "#e27645",
    "600": "#b03c15",
    "700": "#8f2f0e",
    "800": "#6f260d",
    "900": "#4d1c0c",
    "950": "#2a0f06",
}


def _static(path: str) -> Any:
    return lambda request: static(path)


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Below one's name: password, second step, recovery codes."""
    return [{"title": "Your sign-in", "link": reverse("mfa_index")}]


def environment(request: HttpRequest) -> list[str] | None:
    """A badge in the header while money is not real."""
    from django.conf import settings

    return None if settings.STRIPE_LIVE_MODE else ["Test money", "warning"]


def _item(title: str, icon: str, view: str, permission: str) -> dict[str, Any]:
    from customers import access

    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{view}"),
        "permission": lambda request: access.may(request.user, permission=permission),
    }


def _is_ledger(path: str) -> bool:
    """The balances lie below the ledger's address and have an entry of their own."""
    return path.startswith(reverse("admin:payments_ledgertransaction_changelist")) and path != reverse(
        "admin:payments_ledgertransaction_balances"
    )


def _is_claims(path: str) -> bool:
    """The inbox lies below the claims' address and has an entry of its own."""
    inbox = reverse("admin:payments_claim_inbox")
    return path.startswith(reverse("admin:payments_claim_changelist")) and not path.startswith(inbox)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar, grouped by what a person comes to do."""
    from analytics import dashboard

    desk = _item("Desk", "inbox", "payments_deskitem_changelist", "payments.view_deskitem")
    if waiting := dashboard.open_desk_items(request.user):
        desk.update(badge=waiting, badge_variant="danger")
    verify = _item("To verify", "fact_check", "payments_claim_inbox", "payments.view_claim")
    if said := dashboard.claims_waiting(request.user):
        verify.update(badge=said, badge_variant="danger")
    start = {"title": "Start", "icon": "wb_sunny", "link": reverse("admin:index")}
    return [
        {"title": "Today", "items": [start, verify, desk]},
        {"title": "Bookings", "separator": True, "items": _bookings()},
        {"title": "Money", "separator": True, "items": _money(dashboard.refunds_waiting(request.user))},
        {"title": "Catalogue", "separator": True, "items": _catalogue()},
        {"title": "Stripe", "separator": True, "items": _stripe()},
        {"title": "People", "separator": True, "items": _people()},
    ]


def _bookings() -> list[dict[str, Any]]:
    return [
        _item("Bookings", "event", "bookings_booking_changelist", "bookings.view_booking"),
        _item("Slots", "schedule", "bookings_slot_changelist", "bookings.view_slot"),
        _item(
            "Cancelled days",
            "thunderstorm",
            "payments_bulkcancellation_changelist",
            "payments.view_bulkcancellation",
        ),
    ]


def _money(refunds_waiting: int) -> list[dict[str, Any]]:
    refunds = _item("Refunds", "undo", "payments_refund_changelist", "payments.view_refund")
    if refunds_waiting:
        refunds.update(badge=refunds_waiting, badge_variant="warning")
    return [
        _item("Payments", "payments", "payments_payment_changelist", "payments.view_payment"),
        _item("Transfers", "move_to_inbox", "payments_transfer_changelist", "payments.view_transfer"),
        {
            **_item("Claims", "campaign", "payments_claim_changelist", "payments.view_claim"),
            "active": lambda request: _is_claims(request.path),
        },
        _item(
            "Statements",
            "account_balance_wallet",
            "payments_statementimport_changelist",
            "payments.view_statementimport",
        ),
        refunds,
        _item("Receipts", "receipt_long", "payments_receipt_changelist", "payments.view_receipt"),
        _item("Credit notes", "price_check", "payments_creditnote_changelist", "payments.view_creditnote"),
        {
            **_item(
                "Ledger",
                "menu_book",
                "payments_ledgertransaction_changelist",
                "payments.view_ledgertransaction",
            ),
            "active": lambda request: _is_ledger(request.path),
        },
        _item(
            "Balances",
            "balance",
            "payments_ledgertransaction_balances",
            "payments.view_ledgertransaction",
        ),
    ]


def _catalogue() -> list[dict[str, Any]]:
    return [
        _item("Menus", "restaurant_menu", "bookings_menu_changelist", "bookings.view_menu"),
        _item("Add-ons", "add_shopping_cart", "bookings_addon_changelist", "bookings.view_addon"),
        _item("Taxes", "percent", "bookings_taxrate_changelist", "bookings.view_taxrate"),
        _item(
            "Travel fees",
            "local_shipping",
            "bookings_travelfee_changelist",
            "bookings.view_travelfee",
        ),
    ]


def _stripe() -> list[dict[str, Any]]:
    return [
        _item("Events", "bolt", "payments_webhookevent_changelist", "payments.view_webhookevent"),
        _item(
            "Balance transactions",
            "account_balance",
            "payments_balancetransaction_changelist",
            "payments.view_balancetransaction",
        ),
        _item("Payment intents", "credit_card", "djstripe_paymentintent_changelist", "djstripe.view"),
        _item("Charges", "bolt", "djstripe_charge_changelist", "djstripe.view"),
        _item("Refunds at Stripe", "undo", "djstripe_refund_changelist", "djstripe.view"),
        _item("Customers at Stripe", "badge", "djstripe_customer_changelist", "djstripe.view"),
        _item("Keys", "key", "payments_gatewayaccount_changelist", "payments.view_gatewayaccount"),
    ]


def _people() -> list[dict[str, Any]]:
    return [
        _item("Customers", "group", "customers_customer_changelist", "customers.view_customer"),
        _item("Saved cards", "credit_card", "payments_savedcard_changelist", "payments.view_savedcard"),
        _item("E-mails", "mail", "core_outboxemail_changelist", "core.view_outboxemail"),
        _item("Staff", "shield_person", "customers_membership_changelist", "customers.view_membership"),
        _item("Legal texts", "gavel", "bookings_legaltext_changelist", "bookings.view_legaltext"),
        _item("Settings", "storefront", "customers_merchant_changelist", "customers.view_merchant"),
        {
            "title": "Sign-ins",
            "icon": "key",
            "link": reverse("admin:auth_user_changelist"),
            "permission": lambda request: request.user.is_superuser,
        },
    ]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tableside",
    "SITE_HEADER": "Tableside",
    "SITE_SUBHEADER": "Staff console",
    "SITE_ICON": _static("tableside/img/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _static("tableside/img/mark.svg")}],
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "ENVIRONMENT": "config.console.environment",
    "DASHBOARD_CALLBACK": "analytics.dashboard.start_page",
    "BORDER_RADIUS": "8px",
    "STYLES": [
        _static(f"admin_tableside/{name}.css") for name in ("console", "dialogs", "statements", "inbox")
    ],
    "SCRIPTS": [_static("admin_tableside/dialogs.js")],
    "COLORS": {
        "base": LINEN_TO_CHARCOAL,
        "primary": EMBER,
        "font": {
            "subtle-light": "#6f6458",
            "subtle-dark": "#a99c8b",
            "default-light": "#594f45",
            "default-dark": "#cabdab",
            "important-light": "#231d18",
            "important-dark": "#f5ede0",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "config.console.navigation",
    },
    "ACCOUNT": {"navigation": "config.console.account_links"},
}
