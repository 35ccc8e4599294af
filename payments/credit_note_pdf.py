"""The credit note as a PDF, from what was frozen when the price fell. Pure: rows in, bytes out."""

from payments.models import CreditNote


def render(note: CreditNote) -> bytes:
    from payments.paper import Paper  # as payments/receipt_pdf.py does

    booking = note.booking
    paper = Paper(note, name="Credit note", merchant=note.merchant, booking=booking, currency=note.currency)
    paper.head()
    made = booking.local(note.created_at)
    paper.amount(
        note.amount_minor,
        words=f"Less since {made:%B} {made.day}, {made.year}: {note.reason}",
    )
    paper.facts()
    paper.sum("Without tax", note.net_minor)
    for tax in note.taxes:
        paper.sum(tax["name"], tax["tax_minor"])
    paper.sum("The price falls by", note.amount_minor, strong=True)
    paper.sum("Price of the event before", note.price_minor + note.amount_minor)
    paper.sum("Price of the event now, tax included", note.price_minor)
    paper.foot(
        "What is paid back, how and when, is told apart: on your booking's page and by e-mail. "
        f"Questions? Write to {note.merchant.email}."
    )
    return bytes(paper.output())
