"""The part of the API that shows or starts money: bookings with their plan, payments, receipts, the inbox's
health.
"""
