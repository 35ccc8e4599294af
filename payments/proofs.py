"""Proof of a transfer, as customers send it: a screenshot or a PDF, made safe before anything is stored.

Stored under names of our own outside the web root; staff of the merchant alone get it, as an attachment
(`payments.admin` and the API ask for the permission). The name that it came with is kept for that download only.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse

from core import pictures, uploads
from core.pictures import Refused
from payments.models import Claim

__all__ = ["Proof", "Refused", "attachment", "keep", "read"]


@dataclass(frozen=True)
class Proof:
    """A file that was checked and cleaned; not stored yet."""

    file: pictures.Clean
    name: str


def read(upload: UploadedFile) -> Proof:
    """The uploaded file, made safe. Raises Refused, in words."""
    if (upload.size or 0) > pictures.MAX_BYTES:
        raise Refused("The file is larger than 8 MB.")
    file = pictures.clean(upload.read())
    return Proof(file, _name(upload.name or "", suffix=file.suffix))


def _name(given: str, *, suffix: str) -> str:
    """The given name's plain letters, with the suffix of what the file really is."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", given.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip("-")
    return f"{stem[:80] or 'proof'}{suffix}"


def keep(proof: Proof) -> dict[str, Any]:
    """Store the file; the Claim's fields that name it."""
    place = uploads.new_name(folder="proofs", suffix=proof.file.suffix)
    return {
        "proof": uploads.storage().save(place, ContentFile(proof.file.content)),
        "proof_name": proof.name,
        "proof_type": proof.file.mimetype,
        "proof_note": proof.file.left,
    }


def attachment(claim: Claim) -> HttpResponse:
    """The proof as a download that no browser runs or shows inline. The caller has checked who asks."""
    with claim.proof.open("rb") as file:
        answer = HttpResponse(file.read(), content_type=claim.proof_type)
    answer["Content-Disposition"] = f'attachment; filename="{claim.proof_name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-store"
    return answer
