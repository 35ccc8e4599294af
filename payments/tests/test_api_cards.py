"""The API of authorizations and saved cards: who may, once, in amounts of ours, secrets fetched anew."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from bookings.tests.factories import CustomerFactory, MerchantFactory
from core import clock
from core.models import IdempotencyRecord
from customers.models import Customer
from payments.models import CardCharge, CardSetup, GatewayAccount, Payment, PaymentState, SavedCard
from payments.tests.api_world import holder_of, staff_of
from payments.tests.shop import Shop

API = "/api/v1"


def signed_in(customer: Customer, *, csrf: bool = False) -> APIClient:
    client = APIClient(enforce_csrf_checks=csrf)
    session = client.session
    session["customer"] = {
        "merchant": customer.merchant_id,
        "customer": customer.pk,
        "version": customer.sign_in_version,
        "at": int(clock.now().timestamp()),
    }
    session.save()
    return client


@pytest.fixture(autouse=True)
def _unthrottled() -> None:
    cache.clear()


@pytest.fixture
def customer(shop: Shop) -> Customer:
    return CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now())


def post(client: APIClient, path: str, body: object = None, *, key: str = ""):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{API}/{path}", body or {}, format="json", headers=headers)


def is_refused(answer, status: int, code: str) -> bool:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    return answer["Content-Type"] == "application/problem+json"


def test_authorizing_is_for_staff_and_for_frontends_that_the_merchant_lets(shop: Shop):
    booking = shop.book()
    holder, clerk, manager = (
        holder_of(booking),
        staff_of(shop.merchant),
        staff_of(shop.merchant, role="manager"),
    )
    body = {"booking": booking.code, "purpose": "deposit"}
    for client in (holder, clerk):
        assert is_refused(post(client, "payments/authorize", body), 403, "authorization_not_offered")
    assert not Payment.objects.exists()
    GatewayAccount.objects.update(allows_authorization=True)
    assert is_refused(post(holder, "payments/authorize", {**body, "amount": 1}), 422, "amount_mismatch")

    first, again = (
        post(holder, "payments/authorize", body, key="a-key-of-sixteen-letters") for _ in range(2)
    )
    assert (first.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert first.json() == again.json()
    assert first.json()["payment"]["capture"] == "manual"
    secret = first.json()["client_secret"]
    assert secret not in str(list(IdempotencyRecord.objects.values()))
    assert post(manager, "payments/authorize", body).json()["client_secret"] == secret


def test_staff_capture_a_part_once_and_others_cannot(shop: Shop):
    booking = shop.book()
    payment = shop.authorize(booking).payment
    shop.confirm(payment)
    shop.deliver()
    path = f"payments/{payment.public_id}/capture"
    manager = staff_of(shop.merchant, role="manager")
    stranger = staff_of(MerchantFactory.create(), role="owner")
    for client, status, code in (
        (holder_of(booking), 403, "forbidden"),
        (staff_of(shop.merchant), 403, "forbidden"),
        (stranger, 404, "not_found"),
        (holder_of(shop.book(slot=booking.slot)), 404, "not_found"),
        (APIClient(), 404, "not_found"),
    ):
        for verb in ("capture", "void"):
            assert is_refused(post(client, f"payments/{payment.public_id}/{verb}"), status, code)
    for wrong in (0, 10_001, "1", {"amount": 5_000, "currency": "eur"}):
        assert is_refused(post(manager, path, {"amount": wrong}), 422, "capture_too_large")
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert manager.get(f"{API}/payments/{payment.public_id}").json()["capture_before"]

    body = {"amount": {"amount": 5_000, "currency": "usd"}, "reason": "Half now"}
    first, again = (post(manager, path, body, key="the-same-click") for _ in range(2))
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["received"]["amount"]) == ("succeeded", 5_400)
    assert post(manager, path, {"amount": 5_000}).status_code == 200
    assert is_refused(post(manager, path, {"amount": 6_000}), 409, "not_capturable")
    assert is_refused(post(manager, path.replace("capture", "void")), 409, "not_voidable")


def test_a_customer_keeps_lists_and_removes_cards_of_their_own_alone(shop: Shop, customer: Customer):
    client = signed_in(customer)
    unproven = signed_in(CustomerFactory.create(merchant=shop.merchant))
    booking = shop.book()
    assert is_refused(post(unproven, "payments/methods"), 403, "email_not_verified")
    for stranger in (APIClient(), holder_of(booking)):
        assert stranger.get(f"{API}/payments/methods").status_code == 401
        assert post(stranger, "payments/methods").status_code == 401
    assert post(staff_of(shop.merchant, role="owner"), "payments/methods").status_code == 403
    assert post(signed_in(customer, csrf=True), "payments/methods").status_code in (401, 403)
    assert not CardSetup.objects.exists()

    first, again = (post(client, "payments/methods", key="save-my-card") for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert first.json()["client_secret"] not in str(list(IdempotencyRecord.objects.values()))
    assert "Ember Test Kitchen" in first.json()["consent"]
    setup = CardSetup.objects.get()
    shop.stripe.v1.setup_intents.confirm(setup.stripe_setup_intent_id, {"payment_method": "pm_card_visa"})
    (card,) = client.get(f"{API}/payments/methods").json()["results"]
    assert (card["brand"], card["last4"], card["is_default"], card["is_chargeable"]) == (
        "visa",
        "4242",
        True,
        True,
    )
    assert post(client, "payments/methods", key="save-my-card").json()["client_secret"] is None

    other = signed_in(CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now()))
    mine = f"{API}/payments/methods/{card['id']}"
    assert other.get(f"{API}/payments/methods").json()["results"] == []
    assert other.delete(mine).status_code == 404
    assert staff_of(shop.merchant, role="owner").delete(mine).status_code == 403
    assert SavedCard.objects.get().detached_at is None
    assert client.delete(mine).status_code == 204
    assert client.delete(mine).status_code == 404
    assert client.get(f"{API}/payments/methods").json()["results"] == []


def test_staff_charge_a_card_of_the_bookings_customer(shop: Shop):
    booking = shop.book()
    card = shop.save_card(booking.customer)
    manager = staff_of(shop.merchant, role="manager")
    body = {"booking": booking.code, "method": str(card.public_id), "purpose": "deposit"}
    for client, status in (
        (staff_of(shop.merchant), 403),
        (holder_of(booking), 403),
        (APIClient(), 404),
        (staff_of(MerchantFactory.create(), role="owner"), 404),
    ):
        assert post(client, "payments/charge", body).status_code == status
    assert is_refused(post(manager, "payments/charge", {**body, "total": 10_000}), 422, "amount_mismatch")
    foreign = shop.save_card(CustomerFactory.create(merchant=shop.merchant))
    for wrong in (foreign.public_id, booking.public_id):
        answer = post(manager, "payments/charge", {**body, "method": str(wrong)})
        assert is_refused(answer, 409, "card_not_usable")
    assert not CardCharge.objects.exists()
    listed = manager.get(f"{API}/payments/methods?customer={booking.customer.public_id}").json()["results"]
    assert [one["id"] for one in listed] == [str(card.public_id)]
    assert manager.get(f"{API}/payments/methods").status_code == 422
    assert (
        staff_of(MerchantFactory.create(), role="owner")
        .get(f"{API}/payments/methods?customer={booking.customer.public_id}")
        .status_code
        == 404
    )

    first, again = (
        post(manager, "payments/charge", {**body, "total": 10_800}, key="one-click") for _ in range(2)
    )
    assert (first.status_code, first.json()) == (201, again.json())
    assert (first.json()["state"], first.json()["received"]["amount"]) == ("succeeded", 10_800)
    assert is_refused(post(manager, "payments/charge", body), 409, "nothing_to_pay")
    assert CardCharge.objects.count() == 1


def test_a_declined_charge_names_the_payment_that_stays_open(shop: Shop):
    booking = shop.book()
    card = shop.save_card(booking.customer, card="pm_card_chargeCustomerFail")
    body = {"booking": booking.code, "method": str(card.public_id)}
    answer = post(staff_of(shop.merchant, role="manager"), "payments/charge", body)
    assert is_refused(answer, 402, "card_declined")
    payment = Payment.objects.get()
    assert answer.json()["payment"] == str(payment.public_id)
    assert payment.state == PaymentState.PENDING


def test_the_portal_is_the_customers_own_and_staffs_of_any_of_theirs(shop: Shop, customer: Customer):
    first, again = (post(signed_in(customer), "customers/portal-link", key="to-stripe") for _ in range(2))
    assert first.json()["url"].startswith(shop.sandbox.url)
    assert first.json() != again.json()
    assert "url" not in str(IdempotencyRecord.objects.get().response_body)
    named = {"customer": str(customer.public_id)}
    manager, stranger = (
        staff_of(shop.merchant, role="manager"),
        staff_of(MerchantFactory.create(), role="owner"),
    )
    assert post(manager, "customers/portal-link", named).status_code == 201
    assert post(manager, "customers/portal-link").status_code == 422
    assert post(stranger, "customers/portal-link", named).status_code == 404
    assert post(staff_of(shop.merchant), "customers/portal-link", named).status_code == 403
    for nobody in (APIClient(), holder_of(shop.book())):
        assert post(nobody, "customers/portal-link", named).status_code == 401
    unproven = signed_in(CustomerFactory.create(merchant=shop.merchant))
    assert is_refused(post(unproven, "customers/portal-link"), 403, "email_not_verified")


def test_a_customer_pays_with_a_saved_card_of_their_own_and_nobody_else_can_name_it(
    shop: Shop, customer: Customer
):
    booking = shop.book(email=customer.email)
    mine, removed = (shop.save_card(customer, card=card) for card in ("pm_card_visa", "pm_card_mastercard"))
    client = signed_in(customer)
    assert client.delete(f"{API}/payments/methods/{removed.public_id}").status_code == 204
    other = CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now())
    others = shop.save_card(other)
    body = {"booking": booking.code, "payment_method": str(mine.public_id)}
    for caller, card in (
        (client, others),
        (client, removed),
        (holder_of(booking), mine),
        (signed_in(other), mine),
        (staff_of(shop.merchant, role="owner"), mine),
        (APIClient(), mine),
    ):
        named = body | {"payment_method": str(card.public_id)}
        assert is_refused(post(caller, "payments/create-intent", named), 404, "not_found")
    assert (
        post(client, "payments/create-intent", body | {"payment_method": "pm_card_visa"}).status_code == 422
    )
    assert not Payment.objects.exists()

    first, again = (post(client, "payments/create-intent", body, key="the-same-click") for _ in range(2))
    assert (first.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert first.json() == again.json()
    assert first.json()["payment_method"] == mine.stripe_payment_method_id
    typed = post(client, "payments/create-intent", {"booking": booking.code}).json()
    assert typed["payment"]["id"] == first.json()["payment"]["id"]
    assert "payment_method" not in typed
    assert Payment.objects.get().total_minor == first.json()["payment"]["total"]["amount"]


def test_signing_out_over_the_api_signs_a_customers_browser_out_as_well(shop: Shop, customer: Customer):
    client, forged = signed_in(customer), signed_in(customer, csrf=True)
    booking = shop.book(email=customer.email)
    assert client.get(f"{API}/payments/methods").status_code == 200
    assert post(forged, "auth/logout").status_code == 403
    assert forged.get(f"{API}/payments/methods").status_code == 200
    for _ in range(2):
        assert post(client, "auth/logout").status_code == 204
    assert client.get(f"{API}/payments/methods").status_code == 401
    assert client.get(f"{API}/bookings/{booking.code}").status_code in (401, 404)
