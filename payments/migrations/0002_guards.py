"""What the database itself refuses: an unbalanced ledger transaction, and any change to a ledger or a log row."""

from django.db import migrations

from core.append_only import AppendOnly

BALANCED = """
CREATE FUNCTION payments_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    entries bigint;
    total numeric;
BEGIN
    IF TG_TABLE_NAME = 'payments_ledgerentry' THEN checked := NEW.transaction_id; ELSE checked := NEW.id; END IF;
    SELECT count(*), coalesce(sum(amount_minor), 0) INTO entries, total
        FROM payments_ledgerentry WHERE transaction_id = checked;
    IF entries < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % does not balance: % entries sum to %', checked, entries, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON payments_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
"""
UNBALANCED = """
DROP TRIGGER ledger_balanced ON payments_ledgerentry;
DROP TRIGGER ledger_balanced ON payments_ledgertransaction;
DROP FUNCTION payments_ledger_balanced();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(BALANCED, UNBALANCED),
        AppendOnly("payments_ledgertransaction"),
        AppendOnly("payments_ledgerentry"),
        AppendOnly("payments_paymentstatechange"),
        AppendOnly("payments_refundstatechange"),
    ]
