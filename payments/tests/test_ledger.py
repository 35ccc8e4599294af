"""The ledger's guards are the database's own: what it refuses, nobody can write."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from core import clock
from payments import ledger
from payments.models import Account, LedgerEntry, LedgerTransaction
from payments.tests.shop import Shop


def post(shop: Shop, *, key: str = "test:1", amounts: tuple[int, int] = (500, -500)) -> bool:
    return ledger.post(
        merchant=shop.merchant,
        currency="usd",
        source_key=key,
        description="A test",
        occurred_at=clock.now(),
        lines=[ledger.Line(Account.BANK, amounts[0]), ledger.Line(Account.CUSTOMER_CREDIT, amounts[1])],
    )


def check_now() -> None:
    """Run the checks that otherwise wait for the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_unbalanced_transaction_is_refused(shop: Shop):
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        post(shop, amounts=(500, -499))
        check_now()
    assert LedgerTransaction.objects.count() == 0


def test_a_transaction_without_entries_is_refused(shop: Shop):
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        LedgerTransaction.objects.create(
            merchant=shop.merchant, currency="usd", source_key="x", description="x", occurred_at=clock.now()
        )
        check_now()


def test_an_entry_added_later_is_refused(shop: Shop):
    post(shop)
    check_now()
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        LedgerEntry.objects.create(
            transaction=LedgerTransaction.objects.get(), account=Account.BANK, amount_minor=1
        )
        check_now()


def test_one_source_is_posted_once(shop: Shop):
    assert post(shop) is True
    assert post(shop) is False
    assert LedgerTransaction.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerTransaction.objects.create(
            merchant=shop.merchant,
            currency="usd",
            source_key="test:1",
            description="x",
            occurred_at=clock.now(),
        )


@pytest.mark.parametrize("table", ["payments_ledgertransaction", "payments_ledgerentry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_a_ledger_row_is_neither_changed_nor_deleted(shop: Shop, table: str, statement: str):
    post(shop)
    check_now()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    assert LedgerEntry.objects.count() == 2


def test_a_reversal_cancels_its_original_once(shop: Shop):
    post(shop)
    posted = LedgerTransaction.objects.get()
    reversed_once = ledger.reverse(
        posted=posted, source_key="test:1:back", description="Back", occurred_at=clock.now()
    )
    assert reversed_once is True
    again = ledger.reverse(
        posted=posted, source_key="test:1:back2", description="Back", occurred_at=clock.now()
    )
    assert again is False
    assert all(minor == 0 for minor in shop.balances().values())


def test_the_database_refuses_refunds_above_what_was_captured(shop: Shop):
    payment = shop.paid(shop.book())
    payment.refunded_minor, payment.refunding_minor = 10_000, 801
    with pytest.raises(IntegrityError, match="refunds_within_what_was_captured"), transaction.atomic():
        payment.save()


def test_the_database_refuses_a_second_open_card_payment_of_an_instalment(shop: Shop):
    payment = shop.start(shop.book()).payment
    payment.pk = None
    payment.public_id = "7f1f7d0e-0000-4000-8000-000000000001"
    payment.stripe_payment_intent_id = ""
    with pytest.raises(IntegrityError, match="one_open_card_payment_per_instalment"), transaction.atomic():
        payment.save(force_insert=True)


def test_a_taxed_method_fee_contains_its_tax(shop: Shop):
    shop.merchant.tax_method_fee = True
    shop.merchant.save()
    shop.paid(shop.book())
    balances = shop.balances()
    assert balances[Account.TAX_PAYABLE] == -64  # 8.00 of fee contain 0.64 at 8.75 %.
    assert balances[Account.PROCESSING_FEE_INCOME] == -736
