"""An e-mail to a customer: both forms written in the zone of the event, in the caterer's name, whom an answer reaches.

Inside the caller's transaction. Who writes decides what is true; here is only how it is written and left.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from core import outbox
from core.outbox import Attachment
from customers.models import Merchant


def leave(
    template: str,
    *,
    merchant: Merchant,
    key: str,
    to: str,
    subject: str,
    context: Mapping[str, Any],
    zone: str = "",
    attachments: Iterable[Attachment] = (),
) -> bool:
    """Leave `email/<template>` for sending; False when this one was left before.

    Moments in `context` are told on the clock of `zone` (the merchant's, unless another is named): templates turn every
    aware moment into the current zone, and a worker's is UTC.
    """
    words = {"merchant": merchant, **context}
    with timezone.override(zone or merchant.timezone):
        text = render_to_string(f"email/{template}.txt", words)
        html = render_to_string(f"email/{template}.html", words)
    return outbox.enqueue(
        key=key,
        to=to,
        subject=subject,
        text=text,
        html=html,
        attachments=attachments,
        merchant_id=merchant.pk,
        sender_name=merchant.name,
        reply_to=merchant.email,
    )
