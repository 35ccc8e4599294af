"""The bookings' part of the API under /api/v1/: catalogue, times, price preview, and who may see which
booking.

Routes of a booking itself show money, so they live in payments/api.
"""
