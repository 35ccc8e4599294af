"""The table: who may do what at every route. A route that is not here fails `test_every_route_has_a_decision`.

To add a route, add one line to the list of its kind (API, PAGES, CONSOLE) or, for the admin of a model, to MODELS; the
words are in `policy.py`. Write what ought to be, not what the code does now.
"""

from dataclasses import dataclass

from tests.permissions.policy import (
    FORBIDDEN,
    HEARD,
    MISSING,
    NOT_ALLOWED,
    OK,
    ROOT,
    UNREADABLE,
    account,
    accounts,
    any_staff,
    console,
    console_action,
    console_row,
    decide,
    everyone,
    history_of,
    known,
    members,
    nobody_but_customers,
    own_page,
    party,
    signed_in_staff,
    staff_of_it,
)

API = [
    decide("api/v1/catalogue", "GET", everyone(OK), is_open=True),
    decide("api/v1/slots", "GET", everyone(OK), is_open=True),
    decide("api/v1/bookings/price", "POST", everyone(UNREADABLE), is_open=True),
    decide("api/v1/bookings", "GET", known()),
    decide("api/v1/bookings", "POST", everyone(UNREADABLE)),
    decide("api/v1/bookings/<str:code>", "GET", party()),
    decide("api/v1/bookings/<str:code>", "PUT PATCH", party("clerk")),
    decide("api/v1/bookings/<str:code>/payments", "GET", party()),
    decide("api/v1/payments", "GET", known()),
    decide(
        "api/v1/payments/checkout-session", "POST", party("clerk"), send=lambda world: {"booking": world.code}
    ),
    decide(
        "api/v1/payments/create-intent", "POST", party("clerk"), send=lambda world: {"booking": world.code}
    ),
    decide(
        "api/v1/payments/manual",
        "POST",
        party("clerk"),
        send=lambda world: {"booking": world.code, "method": "zelle"},
    ),
    decide("api/v1/payments/record", "POST", members("clerk", ok=UNREADABLE)),
    decide("api/v1/payments/<uuid:public_id>/claim", "POST", party("clerk", lesser=FORBIDDEN)),
    # The walk asks for a claim that has no file; who may get one is tested in its room.
    decide("api/v1/claims/<uuid:public_id>/proof", "GET", everyone(MISSING)),
    decide("api/v1/payments/<uuid:public_id>/confirm", "POST", staff_of_it("clerk")),
    decide("api/v1/payments/<uuid:public_id>/reject", "POST", staff_of_it("clerk")),
    decide("api/v1/payments/<uuid:public_id>/reverse", "POST", staff_of_it("manager")),
    decide("api/v1/payments/authorize", "POST", party("clerk"), send=lambda world: {"booking": world.code}),
    decide(
        "api/v1/payments/charge",
        "POST",
        # A card that Stripe has removed is not there either.
        staff_of_it("manager", ok=HEARD | MISSING),
        send=lambda world: {"booking": world.code, "method": str(world.card.public_id)},
    ),
    decide("api/v1/payments/methods", "GET", members(ok=HEARD)),
    decide("api/v1/payments/methods", "POST", nobody_but_customers()),
    decide("api/v1/payments/methods/<uuid:public_id>", "DELETE", nobody_but_customers()),
    decide("api/v1/customers/portal-link", "POST", members("manager", ok=HEARD)),
    decide("api/v1/payments/<uuid:public_id>/capture", "POST", staff_of_it("manager")),
    decide("api/v1/payments/<uuid:public_id>/void", "POST", staff_of_it("manager")),
    decide("api/v1/payments/<uuid:public_id>", "GET", party()),
    decide("api/v1/payments/<uuid:public_id>/receipt", "GET", party()),
    decide("api/v1/webhooks/health", "GET", members()),
    decide("api/v1/<path:rest>", "GET", everyone(MISSING), is_open=True),
    decide("api/v1/auth/login", "POST", everyone(UNREADABLE), is_open=True),
    decide("api/v1/auth/refresh", "POST", everyone(UNREADABLE), is_open=True),
    decide("api/v1/auth/logout", "POST", everyone(OK), is_open=True),
    decide("api/v1/auth/me", "GET", accounts()),
    # A booking's token opens no customer: it is given to whoever books with an address.
    decide("api/v1/customers/me", "GET", members(ok=UNREADABLE)),
    decide("api/v1/customers/create-or-update", "POST", members("clerk", ok=UNREADABLE)),
    decide("api/schema/", "GET", everyone(OK)),
    decide("api/docs/", "GET", everyone(OK)),
]

PAGES = [
    decide("", "GET", everyone(OK)),
    decide("", "POST", everyone(NOT_ALLOWED)),
    decide("book/", "GET POST", everyone()),
    decide("book/price", "GET", everyone(NOT_ALLOWED)),
    decide("book/price", "POST", everyone(OK)),
    decide("terms", "GET", everyone(OK)),
    decide("terms", "POST", everyone(NOT_ALLOWED)),
    decide("privacy", "GET", everyone(OK)),
    decide("privacy", "POST", everyone(NOT_ALLOWED)),
    decide("refunds-policy", "GET", everyone(OK)),
    decide("refunds-policy", "POST", everyone(NOT_ALLOWED)),
    decide("account/", "GET", account()),
    decide("account/", "POST", everyone(NOT_ALLOWED)),
    decide("account/receipts", "GET", account()),
    decide("account/receipts", "POST", everyone(NOT_ALLOWED)),
    decide("account/profile", "GET POST", account(ok=OK | {422})),
    decide("account/profile/email", "GET", everyone(NOT_ALLOWED)),
    decide("account/profile/email", "POST", account(ok=OK | {422})),
    decide("account/email/<str:token>", "GET POST", everyone(HEARD | {404, 410})),
    decide("account/link/<str:token>", "GET POST", everyone(HEARD | {404, 410})),
    decide("account/sign-in", "GET POST", everyone(HEARD)),
    decide("account/sign-in/sent", "GET", everyone(OK)),
    decide("account/sign-in/sent", "POST", everyone(NOT_ALLOWED)),
    decide("account/cards", "GET", account()),
    decide("account/cards", "POST", everyone(NOT_ALLOWED)),
    decide("account/cards/<uuid:public_id>/prefer", "GET", everyone(NOT_ALLOWED)),
    decide("account/cards/<uuid:public_id>/prefer", "POST", account(ok=MISSING)),
    decide("account/cards/<uuid:public_id>/remove", "GET", everyone(NOT_ALLOWED)),
    decide("account/cards/<uuid:public_id>/remove", "POST", account(ok=MISSING)),
    decide("account/cards/begin", "GET", everyone(NOT_ALLOWED)),
    decide("account/cards/begin", "POST", account(ok=FORBIDDEN)),  # the address is not proven yet
    decide("account/cards/portal", "GET", everyone(NOT_ALLOWED)),
    decide("account/cards/portal", "POST", account()),
    decide("account/sign-out", "GET POST", everyone(OK | {302, 405})),
    decide("terms/<int:version>", "GET", everyone(OK | MISSING)),
    decide("terms/<int:version>", "POST", everyone(NOT_ALLOWED)),
    decide("privacy/<int:version>", "GET", everyone(OK | MISSING)),
    decide("privacy/<int:version>", "POST", everyone(NOT_ALLOWED)),
    decide("refunds-policy/<int:version>", "GET", everyone(OK | MISSING)),
    decide("refunds-policy/<int:version>", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>", "GET", own_page()),
    decide("b/<str:code>", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay", "GET", own_page()),
    decide("b/<str:code>/pay", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay/start", "GET", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay/start", "POST", own_page()),
    decide("b/<str:code>/pay/zelle/qr", "GET", own_page(ok=HEARD | MISSING)),
    decide("b/<str:code>/pay/zelle/qr", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay/<str:method>", "GET", own_page()),
    decide("b/<str:code>/pay/<str:method>", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay/<str:method>/sent", "GET", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/pay/<str:method>/sent", "POST", own_page()),
    decide("b/<str:code>/claims/<uuid:public_id>/withdraw", "GET", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/claims/<uuid:public_id>/withdraw", "POST", own_page()),
    decide("b/<str:code>/paid", "GET", own_page()),
    decide("b/<str:code>/paid", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/payments/<uuid:public_id>/status", "GET", own_page()),
    decide("b/<str:code>/payments/<uuid:public_id>/status", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/receipts/<str:number>", "GET", own_page()),
    decide("b/<str:code>/receipts/<str:number>", "POST", everyone(NOT_ALLOWED)),
    decide("b/<str:code>/receipts/<str:number>/pdf", "GET", own_page()),
    decide("b/<str:code>/receipts/<str:number>/pdf", "POST", everyone(NOT_ALLOWED)),
]

CONSOLE = [
    decide("admin/", "GET POST", any_staff()),
    decide("admin/search/", "GET POST", any_staff()),
    decide("admin/login/", "GET POST", everyone(HEARD)),
    decide("admin/logout/", "GET", everyone(NOT_ALLOWED | {302})),
    decide("admin/logout/", "POST", everyone(OK | {302})),
    decide("admin/password_change/", "GET POST", any_staff()),
    decide("admin/password_change/done/", "GET POST", any_staff(OK | {302, 405})),
    decide(
        "admin/autocomplete/",
        "GET",
        console("viewer", ok=OK),
        query="?app_label=payments&model_name=payment&field_name=customer&term=o",
    ),
    decide("admin/autocomplete/", "POST", any_staff(frozenset({403, 405}))),
    decide("admin/jsi18n/", "GET POST", everyone(OK | {302, 405})),
    decide("admin/r/<path:content_type_id>/<path:object_id>/", "GET POST", any_staff(MISSING)),
    # One app's part of the console; its list holds what this person may see, so for some it is not there.
    decide("admin/<app_label>/", "GET POST", any_staff(OK | {403, 404})),
    decide("admin/(?P<url>.*)$", "GET POST", any_staff(MISSING)),
    decide("admin/auth/user/<id>/password/", "GET POST", console_row(ROOT)),
    decide("admin/bookings/booking/<path:object_id>/withdraw_links/", "GET POST", console_action("clerk")),
    decide("admin/bookings/slot/add_run/", "GET POST", console("clerk")),
    decide(
        "admin/payments/webhookevent/<path:object_id>/handle_this_again/",
        "GET POST",
        console_action("manager"),
    ),
    decide(
        "admin/payments/gatewayaccount/<path:object_id>/keys/",
        "GET POST",
        console_action("owner"),
    ),
    decide("admin/payments/ledgertransaction/balances/", "GET POST", console("viewer")),
    decide("admin/customers/membership/<path:object_id>/let_in_anew/", "GET POST", console_action("owner")),
    decide("admin/customers/membership/<path:object_id>/send_again/", "GET POST", console_action("owner")),
    decide("admin/payments/payment/<path:object_id>/refund/", "GET POST", console_action("manager")),
    decide("admin/payments/payment/<path:object_id>/capture/", "GET POST", console_action("manager")),
    decide("admin/payments/payment/<path:object_id>/void/", "GET POST", console_action("manager")),
    decide("admin/bookings/booking/<path:object_id>/charge_card/", "GET POST", console_action("manager")),
    decide("admin/payments/receipt/<int:receipt_id>/pdf/", "GET POST", history_of(console_row("viewer"))),
]

# Of staff: allauth's views.
SIGN_IN_PAGES = [
    decide("staff/sign-in/", "GET POST PUT", everyone(OK | {302})),
    decide("staff/sign-out/", "GET POST", everyone(OK | {302, 405})),
    decide("staff/closed/", "GET", everyone(OK)),
    decide("staff/again/", "GET POST PUT", signed_in_staff()),
    decide("staff/password/", "GET POST PUT", signed_in_staff()),
    decide("staff/password/first/", "GET POST PUT", signed_in_staff()),
    decide("staff/password/forgotten/", "GET POST PUT", everyone(OK | {302})),
    decide("staff/password/forgotten/sent/", "GET", everyone(OK)),
    decide("staff/password/new/<uidb36>-<key>/", "GET POST PUT", everyone(OK | {302})),
    decide("staff/password/new/done/", "GET", everyone(OK)),
    decide("staff/security/", "GET", signed_in_staff()),
    # Between the password and the second step: there is somebody only there.
    decide("staff/security/authenticate/", "GET POST", everyone(frozenset({302}))),
    decide("staff/security/reauthenticate/", "GET POST PUT", signed_in_staff()),
    decide("staff/security/recovery-codes/", "GET", signed_in_staff()),
    decide("staff/security/recovery-codes/download/", "GET", signed_in_staff()),
    decide("staff/security/recovery-codes/generate/", "GET POST PUT", signed_in_staff()),
    decide("staff/security/totp/activate/", "GET POST PUT", signed_in_staff()),
    decide("staff/security/totp/deactivate/", "GET POST PUT", signed_in_staff()),
    decide("staff/security/webauthn/", "GET", signed_in_staff()),
    decide("staff/security/webauthn/add/", "GET POST", signed_in_staff()),
    decide("staff/security/webauthn/add/", "PUT", signed_in_staff()),
    decide("staff/security/webauthn/keys/<int:pk>/edit/", "GET POST PUT", signed_in_staff()),
    decide("staff/security/webauthn/keys/<int:pk>/remove/", "GET POST DELETE", signed_in_staff()),
    decide("staff/security/webauthn/login/", "GET POST PUT", everyone(OK | {302, 429})),
    decide("staff/security/webauthn/reauthenticate/", "GET POST PUT", signed_in_staff()),
]


@dataclass(frozen=True)
class Model:
    """From which role on a model's rows are seen and written in the console; "" is nobody."""

    view: str
    add: str = ""
    change: str = ""
    delete: str = ""


LOOK = Model(view="viewer")
MODELS = {
    "auth/user": Model(view=ROOT, add=ROOT, change=ROOT),
    "bookings/addon": Model(view="viewer", add="clerk", change="clerk", delete="manager"),
    "bookings/booking": Model(view="viewer", change="clerk"),
    "bookings/legaltext": Model(view="viewer", add="owner"),
    "bookings/menu": Model(view="viewer", add="clerk", change="clerk", delete="manager"),
    "bookings/slot": Model(view="viewer", add="clerk", change="clerk", delete="clerk"),
    "bookings/taxrate": Model(view="viewer", add="manager", change="manager", delete="manager"),
    "bookings/travelfee": Model(view="viewer", add="manager", change="manager", delete="manager"),
    "core/outboxemail": LOOK,
    "customers/customer": Model(view="viewer", add="clerk", change="clerk"),
    "customers/membership": Model(view="owner", add="owner", change="owner", delete="owner"),
    "customers/merchant": Model(view="viewer", change="owner"),
    "payments/balancetransaction": LOOK,
    "payments/deskitem": LOOK,
    "payments/gatewayaccount": Model(view="owner"),
    "payments/ledgertransaction": LOOK,
    "payments/payment": LOOK,
    "payments/receipt": LOOK,
    "payments/refund": LOOK,
    "payments/savedcard": LOOK,
    "payments/webhookevent": LOOK,
    # Stripe's objects as dj-stripe keeps them, all alike: looked at (tests/permissions/models.py).
    "djstripe/*": LOOK,
}
