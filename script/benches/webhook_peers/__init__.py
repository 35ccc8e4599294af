"""What the webhook benches are measured against: dj-stripe's own view, its store-only callback, and a bare WSGI
application; with a stand-in for Stripe that answers at once. Development only.
"""
