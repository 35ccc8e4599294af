"""E-mails that leave only when what they say is committed.

`enqueue` writes a row in the caller's transaction, once per key; `send_due` (a task, and the sweeper)
sends. Claiming takes a lease with SKIP LOCKED in a short transaction, sending happens outside any, the
stamp comes after. A process that dies between the mail server's answer and the stamp lets the same mail go
out again when its lease ends: at most once more per lease. Nothing is lost, and nothing is sent for a
transaction that rolled back.
"""

import logging
import smtplib
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.encoding import punycode

from core import clock, doorbell
from core.models import OutboxAttachment, OutboxEmail

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
# A message starts only when this much of the lease is left: two workers never send the same row side by side.
SEND_AT_MOST = timedelta(minutes=2)
MAX_ATTEMPTS = 12
MAX_BACKOFF = timedelta(hours=6)
SEND_TASK = "core.tasks.send_due_email"

_INSERT = """
INSERT INTO core_outboxemail
    (key, merchant_id, "to", sender_name, reply_to, subject, text, html, created_at, due_at, attempts, last_error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, '')
ON CONFLICT (key) DO NOTHING RETURNING id
"""

Attachment = tuple[str, str, bytes]


def enqueue(
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    attachments: Iterable[Attachment] = (),
    merchant_id: int | None = None,
    sender_name: str = "",
    reply_to: str = "",
) -> bool:
    """Leave one e-mail for sending; False if the key was used before (then nothing changes).

    Part of the caller's transaction. Attachments are (name, mimetype, bytes). Sending starts after commit. The
    mail comes from DEFAULT_FROM_EMAIL's address, the one the mail server may send for, under `sender_name` if given.
    """
    now = clock.now()
    one_line, name = " ".join(subject.split()), " ".join(sender_name.split())[:120]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [key, merchant_id, to, name, reply_to, one_line, text, html, now, now])
            row = cursor.fetchone()
        if row is None:
            return False
        OutboxAttachment.objects.bulk_create(
            OutboxAttachment(email_id=row[0], name=name, mimetype=mimetype, content=content)
            for name, mimetype, content in attachments
        )
    doorbell.ring(SEND_TASK)
    return True


def waiting() -> QuerySet[OutboxEmail]:
    """Rows that still want sending; those given up on (MAX_ATTEMPTS) included, for staff to see."""
    return OutboxEmail.objects.filter(sent_at__isnull=True)


def send_due(*, limit: int = 50) -> int:
    """Send what is due, oldest first; how many went out. Any number of workers may run at once."""
    claimed = _claim(limit=limit)
    if not claimed:
        return 0
    mail_server: BaseEmailBackend = get_connection()
    sent = 0
    try:
        for email in claimed:
            if not _mine_still(email):
                break
            sent += _send(email, mail_server=mail_server)
    finally:
        mail_server.close()
    return sent


def _claim(*, limit: int) -> list[OutboxEmail]:
    now = clock.now()
    with transaction.atomic():
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        rows = list(
            waiting()
            .filter(free, due_at__lte=now, attempts__lt=MAX_ATTEMPTS)
            .order_by("due_at", "id")
            .select_for_update(skip_locked=True, no_key=True)[:limit]
        )
        for row in rows:
            row.lease_until = now + LEASE
        OutboxEmail.objects.filter(pk__in=[row.pk for row in rows]).update(lease_until=now + LEASE)
    return rows


def _mine_still(email: OutboxEmail) -> bool:
    return email.lease_until is not None and clock.now() + SEND_AT_MOST < email.lease_until


def _send(email: OutboxEmail, *, mail_server: BaseEmailBackend) -> bool:
    mine = OutboxEmail.objects.filter(pk=email.pk, lease_until=email.lease_until, sent_at__isnull=True)
    attempts = email.attempts + 1
    try:
        _message(email, mail_server=mail_server).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        mine.update(
            attempts=attempts,
            due_at=_retry_at(attempts=attempts),
            lease_until=None,
            last_error=f"{type(error).__name__}: {error}"[:1000],
        )
        logger.warning("E-mail %s was not sent (attempt %s): %s", email.pk, attempts, type(error).__name__)
        return False
    mine.update(sent_at=clock.now(), attempts=attempts, lease_until=None, last_error="")
    return True


def _retry_at(*, attempts: int) -> datetime:
    return clock.now() + min(timedelta(minutes=2 ** min(attempts - 1, 10)), MAX_BACKOFF)


def _message(email: OutboxEmail, *, mail_server: BaseEmailBackend) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        email.subject,
        email.text,
        from_email=_sender(email.sender_name),
        to=[email.to],
        reply_to=[email.reply_to] if email.reply_to else None,
        connection=mail_server,
    )
    if email.html:
        message.attach_alternative(email.html, "text/html")
    for attachment in email.attachments.all():
        message.attach(attachment.name, bytes(attachment.content), attachment.mimetype)
    return message


def _sender(name: str) -> str:
    """Our one address, under the name of whoever writes."""
    if not name:
        return settings.DEFAULT_FROM_EMAIL
    local, _, domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")
    return formataddr((name, f"{local}@{punycode(domain)}"))
