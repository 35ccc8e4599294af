"""What the database itself refuses: payments that do not sum to their transfer, and any change to a log row."""

from django.db import migrations

from core.append_only import AppendOnly

SUMS = """
CREATE FUNCTION payments_transfer_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    found payments_transfer%ROWTYPE;
    foreign_parts bigint;
    total numeric;
    due bigint;
BEGIN
    IF TG_TABLE_NAME = 'payments_payment' THEN checked := NEW.transfer_id; ELSE checked := NEW.id; END IF;
    SELECT * INTO found FROM payments_transfer WHERE id = checked;
    SELECT coalesce(sum(received_minor), 0),
           count(*) FILTER (WHERE merchant_id <> found.merchant_id OR currency <> found.currency
                                  OR method <> found.method)
        INTO total, foreign_parts FROM payments_payment WHERE transfer_id = checked;
    IF foreign_parts > 0 THEN
        RAISE EXCEPTION 'transfer % has payments of another merchant, method or currency', checked
            USING ERRCODE = 'check_violation';
    END IF;
    due := CASE WHEN found.reversed_at IS NULL THEN found.amount_minor ELSE 0 END;
    IF total <> due THEN
        RAISE EXCEPTION 'the payments of transfer % sum to %, it is about %', checked, total, due
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transfer_sums AFTER INSERT OR UPDATE OF amount_minor, reversed_at ON payments_transfer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_transfer_sums();
CREATE CONSTRAINT TRIGGER transfer_sums AFTER INSERT OR UPDATE OF received_minor, transfer_id ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.transfer_id IS NOT NULL)
    EXECUTE FUNCTION payments_transfer_sums();
"""
NO_SUMS = """
DROP TRIGGER transfer_sums ON payments_payment;
DROP TRIGGER transfer_sums ON payments_transfer;
DROP FUNCTION payments_transfer_sums();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_transfers"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(SUMS, NO_SUMS),
        AppendOnly("payments_claimstatechange"),
        AppendOnly("payments_statementlinechange"),
    ]
