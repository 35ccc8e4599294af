"""Transfers in the API: instructions, claims with proof, and what staff decide; each door refuses who may not."""

import io

import pytest
from PIL import Image
from rest_framework.test import APIClient

from bookings.tests.factories import MerchantFactory
from core import clock
from payments.models import Claim, LedgerTransaction, Payment, Receipt, Transfer
from payments.tests.api_world import holder_of, staff_of
from payments.tests.test_manual import TODAY, book, by, claimed, merchant, standing

__all__ = ["by", "merchant"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path):
    settings.PRIVATE_MEDIA_ROOT = tmp_path
    return tmp_path


def post(client, path, body, *, key="", format="json"):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/payments/{path}", body, format=format, headers=headers)


def picture():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x9286] = "taken at home"
    Image.new("RGB", (40, 30), "red").save(file, "JPEG", exif=exif)
    file.seek(0)
    file.name = "../My transfer.exe"
    return file


SENT = {"sender_name": "Ada Example", "sent_on": TODAY.isoformat()}
FOUND = {"amount": 10_000, "received_on": TODAY.isoformat(), "reference": "Z-1"}


def test_a_frontend_gets_instructions_claims_with_proof_and_staff_confirm_once(merchant, private_files):
    booking = book(merchant)
    guest, clerk = holder_of(booking), staff_of(merchant)
    told = post(guest, "manual", {"booking": booking.code, "method": "venmo"})
    assert told.status_code == 201
    assert told.json()["instructions"]["total"] == {"amount": 10_300, "currency": "usd"}
    assert told.json()["instructions"]["reference"] == booking.code
    payment = told.json()["payment"]["id"]
    key = "0b5b7a0e-8f9e-4a54-9d37-2f2b4cf34f8b"
    said = post(guest, f"{payment}/claim", {**SENT, "proof": picture()}, key=key, format="multipart")
    assert (said.status_code, said.json()["has_proof"]) == (201, True)
    again = post(guest, f"{payment}/claim", {**SENT, "proof": picture()}, key=key, format="multipart")
    assert (again.json(), again["Idempotent-Replayed"]) == (said.json(), "true")
    claim = Claim.objects.get()
    assert (claim.proof_name, claim.proof_type) == ("My-transfer.jpg", "image/jpeg")
    proof = staff_of(merchant, role="viewer").get(f"/api/v1/claims/{claim.public_id}/proof")
    assert proof["Content-Disposition"] == 'attachment; filename="My-transfer.jpg"'
    assert (proof["Content-Type"], proof["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert not Image.open(io.BytesIO(proof.content)).getexif()
    for other in (guest, APIClient(), staff_of(MerchantFactory.create(), role="owner")):
        assert other.get(f"/api/v1/claims/{claim.public_id}/proof").status_code == 404
    assert [path.name for path in private_files.rglob("*.jpg")] == [str(claim.proof.name).rsplit("/", 1)[-1]]
    body = {**FOUND, "amount": {"amount": 10_300, "currency": "usd"}}
    done = post(clerk, f"{payment}/confirm", body, key=key)
    assert done.status_code == 201
    [result] = done.json()["results"]
    assert (result["placed"]["amount"], result["fee"]["amount"], result["short"]["amount"]) == (
        10_000,
        300,
        0,
    )
    assert result["payment"]["state"] == "succeeded"
    before = standing(booking)
    assert post(clerk, f"{payment}/confirm", body, key=key).json() == done.json()
    refused = post(clerk, f"{payment}/confirm", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_decided")
    assert standing(booking) == before
    assert Receipt.objects.count() == 1


def test_a_clerk_rejects_records_and_a_manager_takes_back(merchant):
    booking, other = book(merchant), book(merchant, email="b@example.com")
    said = claimed(booking)
    clerk, manager = staff_of(merchant), staff_of(merchant, role="manager")
    payment = said.payment.public_id
    assert post(clerk, f"{payment}/reject", {"reason": ""}).status_code == 422
    assert post(clerk, f"{payment}/reject", {"reason": "Not there yet."}).json()["state"] == "rejected"
    body = {"method": "cash", "booking": booking.code, **FOUND}
    done = post(clerk, "record", body)
    assert done.status_code == 201
    assert post(clerk, "record", body).json()["code"] == "reference_used"
    parts = [{"booking": each.code, "amount": 500} for each in (booking, other)]
    wrong = {"method": "check", "parts": parts, **FOUND}
    assert post(clerk, "record", wrong).status_code == 422
    assert post(clerk, "record", {**wrong, "amount": 1_000}).status_code == 201
    credit = {"method": "zelle", "customer": str(booking.customer.public_id), **FOUND}
    assert post(clerk, "record", credit).json()["results"][0]["credit"]["amount"] == 10_000
    assert post(clerk, "record", {**credit, "booking": booking.code}).status_code == 422
    taken = done.json()["results"][0]["payment"]["id"]
    assert post(clerk, f"{taken}/reverse", {"reason": "bounced"}).status_code == 403
    assert post(manager, f"{taken}/reverse", {"reason": "bounced"}).json()["state"] == "reversed"


@pytest.mark.parametrize("who", ["nobody", "guest", "viewer", "stranger"])
def test_money_is_never_decided_by_who_may_not(merchant, who):
    booking, elsewhere = book(merchant), book(merchant, email="b@example.com")
    said = claimed(booking)
    client = {
        "nobody": APIClient,
        "guest": lambda: holder_of(booking),
        "viewer": lambda: staff_of(merchant, role="viewer"),
        "stranger": lambda: holder_of(elsewhere),
    }[who]()
    before = standing(booking)
    payment = said.payment.public_id
    allowed = {401, 403, 404}
    for route, body in (
        (f"{payment}/confirm", FOUND),
        (f"{payment}/reject", {"reason": "no"}),
        (f"{payment}/reverse", {"reason": "no"}),
        ("record", {"method": "cash", "booking": booking.code, **FOUND}),
    ):
        assert post(client, route, body).status_code in allowed, route
    if who != "guest":
        assert post(client, f"{payment}/claim", SENT).status_code in allowed
    assert standing(booking) == before
    assert not Transfer.objects.exists()
    assert not LedgerTransaction.objects.exists()


def test_what_cannot_be_read_is_told_by_field(merchant):
    booking = book(merchant)
    guest, clerk = holder_of(booking), staff_of(merchant)
    payment = post(guest, "manual", {"booking": booking.code, "method": "zelle"}).json()["payment"]["id"]
    late = post(guest, f"{payment}/claim", {**SENT, "sent_on": str(clock.now().date().replace(year=2031))})
    assert [error["field"] for error in late.json()["errors"]] == ["sent_on"]
    file = io.BytesIO(b"MZ this is a program")
    file.name = "proof.png"
    bad = post(guest, f"{payment}/claim", {**SENT, "proof": file}, format="multipart")
    assert (bad.status_code, bad.json()["code"]) == (422, "file_refused")
    assert post(guest, "manual", {"booking": booking.code, "method": "cash"}).status_code == 422
    post(guest, f"{payment}/claim", SENT)
    for amount in (0, "10", 10.5, {"amount": 10_000, "currency": "eur"}):
        assert post(clerk, f"{payment}/confirm", {**FOUND, "amount": amount}).status_code == 422
    assert Payment.objects.get().state == "claimed"
