"""The log of a booking's states only grows."""

from django.db import migrations

from core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial"), ("core", "0001_initial")]

    operations = [AppendOnly("bookings_bookingstatechange")]
