from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_balance_transactions")]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="news_at",
            field=models.DateTimeField(
                blank=True,
                help_text="How old Stripe's last word on a waiting payment is: older words are dropped.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="request_key",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="The form's own: sending it twice refunds once.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key", ""), _negated=True),
                fields=("payment", "request_key"),
                name="one_refund_per_request",
            ),
        ),
    ]
