"""A stateful Stripe emulator for development and tests: its own process, and it imports nothing of the product."""
