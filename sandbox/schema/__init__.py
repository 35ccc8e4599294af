"""JSON Schema derived from the installed stripe-python, and the validators that run on it."""
