"""Terms, privacy notice and refunds policy: the version in force, and every earlier one.

A text is made from the merchant's settings (templates/legal/) until staff write their own; when the settings change, a
made text becomes a new version as soon as somebody asks for it. Versions only grow, so what a booking names
(`accepted`) can be read for ever. Called by bookings/agreement.py, the pages, the API and the console.
"""

import re

from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils.html import urlize
from django.utils.safestring import SafeString, mark_safe

from bookings.models import LegalKind, LegalText
from core.errors import Conflict
from customers.models import Merchant

SYSTEM = "system"
PUBLISH_TRIES = 10
_LINK = re.compile(r"\[([^\]\n]+)\]\((/[\w/-]*)\)")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


def current(merchant: Merchant) -> dict[LegalKind, LegalText]:
    """The version of each text that is in force now; stores those that the merchant's settings have changed."""
    latest = _latest(merchant)
    if not _stale(latest, merchant=merchant):
        return latest
    merchant = Merchant.objects.get(pk=merchant.pk)  # The caller's copy may be old; what is saved decides.
    LegalText.objects.bulk_create(
        [_made(merchant, kind=kind, after=latest.get(kind)) for kind in _stale(latest, merchant=merchant)],
        ignore_conflicts=True,  # Somebody else stores the same at this moment.
    )
    return _latest(merchant)


def _stale(latest: dict[LegalKind, LegalText], *, merchant: Merchant) -> list[LegalKind]:
    """The kinds without a text, or with one that these settings would make otherwise."""
    return [kind for kind in LegalKind if _is_stale(latest.get(kind), merchant=merchant, kind=kind)]


def _latest(merchant: Merchant) -> dict[LegalKind, LegalText]:
    rows = LegalText.objects.filter(merchant=merchant).order_by("kind", "-version").distinct("kind")
    return {LegalKind(row.kind): row for row in rows}


def _is_stale(text: LegalText | None, *, merchant: Merchant, kind: LegalKind) -> bool:
    return text is None or (text.is_generated and text.body != generated(merchant, kind=kind))


def _made(merchant: Merchant, *, kind: LegalKind, after: LegalText | None) -> LegalText:
    return LegalText(
        merchant=merchant,
        kind=kind,
        version=after.version + 1 if after else 1,
        body=generated(merchant, kind=kind),
        is_generated=True,
        actor=SYSTEM,
    )


def generated(merchant: Merchant, *, kind: LegalKind) -> str:
    """The text as the merchant's settings make it."""
    brackets = sorted(merchant.cancellation_policy, key=lambda bracket: -bracket["days_before"])
    context = {"merchant": merchant, "brackets": brackets}
    return render_to_string(f"legal/{kind.value}.txt", context).strip()


def accepted(merchant: Merchant) -> dict[str, int]:
    """Kind -> version in force: what a customer accepts now."""
    return {kind.value: text.version for kind, text in current(merchant).items()}


def find(merchant: Merchant, *, kind: LegalKind, version: int) -> LegalText | None:
    return LegalText.objects.filter(merchant=merchant, kind=kind, version=version).first()


def versions(merchant: Merchant, *, kind: LegalKind) -> list[LegalText]:
    """Every version without its words, newest first."""
    return list(LegalText.objects.filter(merchant=merchant, kind=kind).defer("body").order_by("-version"))


def publish(*, merchant: Merchant, kind: LegalKind, body: str, actor: str) -> LegalText:
    """Staff's own text as the new version; an empty one goes back to the text that the settings make.

    Of several who publish at the same moment each gets a version, the last is in force: no text is lost.
    """
    body = body.replace("\r\n", "\n").strip()
    for _ in range(PUBLISH_TRIES):
        after = current(merchant)[kind]
        if body == after.body:
            return after
        text = LegalText(
            merchant=merchant,
            kind=kind,
            version=after.version + 1,
            body=body or generated(merchant, kind=kind),
            is_generated=not body,
            actor=actor,
        )
        try:
            with transaction.atomic():
                text.save(force_insert=True)
        except IntegrityError:
            continue
        return text
    raise Conflict("Others are publishing at this moment. Please try again.")


def as_html(body: str) -> SafeString:
    """The text as paragraphs, `## headings`, `- lists`, **strong words** and [links](/to-our-pages); else escaped."""
    blocks = re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip())
    return mark_safe("\n".join(_block(block.strip()) for block in blocks if block.strip()))  # noqa: S308 - escaped by _inline


def _block(block: str) -> str:
    first, _, rest = block.partition("\n")
    if first.startswith("## "):
        return f"<h2>{_inline(first[3:])}</h2>" + (f"\n{_block(rest.strip())}" if rest.strip() else "")
    lines = [line.strip() for line in block.split("\n")]
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>"
    return "<p>" + "<br>".join(_inline(line) for line in lines) + "</p>"


def _inline(text: str) -> str:
    escaped = urlize(text, autoescape=True)
    return _BOLD.sub(r"<b>\1</b>", _LINK.sub(r'<a href="\2">\1</a>', escaped))
