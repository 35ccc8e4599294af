"""What a customer's browser gets from the sandbox: the Stripe.js stand-in, hosted Checkout, the 3-D Secure page."""
