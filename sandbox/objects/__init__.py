"""One module per resource: its object as Stripe shapes it, and its operations."""
