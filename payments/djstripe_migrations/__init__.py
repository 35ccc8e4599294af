"""dj-stripe's tables in one migration: docs/decisions/0010-squashed-djstripe-migrations.md."""
