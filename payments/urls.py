"""A booking's pages. They live here because they show and move money."""

from django.urls import path

from payments import (
    account_views,
    cancel_views,
    card_views,
    change_views,
    credit_views,
    transfer_views,
    views,
)

app_name = "payments"
urlpatterns = [
    path("b/<str:code>", views.booking, name="booking"),
    path("b/<str:code>/pay", views.pay, name="pay"),
    path("b/<str:code>/pay/start", views.start, name="start"),
    path("b/<str:code>/pay/credit", credit_views.use, name="use-credit"),
    path("b/<str:code>/change", change_views.change, name="change"),
    path("b/<str:code>/move", change_views.move, name="move"),
    path("b/<str:code>/cancel", cancel_views.cancel, name="cancel"),
    path("b/<str:code>/pay/zelle/qr", transfer_views.zelle_qr, name="zelle-qr"),
    path("b/<str:code>/pay/<str:method>", transfer_views.transfer, name="transfer"),
    path("b/<str:code>/pay/<str:method>/sent", transfer_views.claim, name="claim"),
    path("b/<str:code>/claims/<uuid:public_id>/withdraw", transfer_views.withdraw, name="withdraw"),
    path("b/<str:code>/paid", views.paid, name="paid"),
    path("b/<str:code>/payments/<uuid:public_id>/status", views.payment_status, name="payment-status"),
    path("b/<str:code>/receipts/<str:number>", views.receipt, name="receipt"),
    path("b/<str:code>/receipts/<str:number>/pdf", views.receipt_file, name="receipt-pdf"),
    path("b/<str:code>/credit-notes/<str:number>", views.credit_note_file, name="credit-note"),
    path("account/", account_views.account, name="account"),
    path("account/receipts", account_views.receipts, name="account-receipts"),
    path("account/cards", card_views.page, name="account-cards"),
    path("account/cards/begin", card_views.begin, name="account-cards-begin"),
    path("account/cards/portal", card_views.portal, name="account-cards-portal"),
    path("account/cards/<uuid:public_id>/remove", card_views.remove, name="account-card-remove"),
    path("account/cards/<uuid:public_id>/prefer", card_views.prefer, name="account-card-prefer"),
    path("account/profile", account_views.profile, name="account-profile"),
    path("account/profile/email", account_views.change_email, name="account-change-email"),
    path("account/email/<str:token>", account_views.new_email, name="account-new-email"),
    path("account/sign-out", account_views.sign_out, name="account-sign-out"),
]
