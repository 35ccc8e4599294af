"""A chosen file between its preview and its import: in private storage for some hours, known by a signed token.

A statement is personal data, so it is not kept: taken for the import or left behind, it is removed.
"""

import contextlib
from datetime import timedelta

from django.core import signing
from django.core.files.base import ContentFile

from core import clock, uploads
from core.errors import Invalid
from customers.models import Merchant

KEPT = timedelta(hours=6)
_FOLDER = "statements"
_SALT = "payments.statements.shelf"


class FileGone(Invalid):
    code = "file_gone"
    title = "The file is no longer here. Please choose it again."


def keep(data: bytes, *, merchant: Merchant, file_name: str, by_id: int) -> str:
    """Put it on the shelf; the token is for this person and merchant alone."""
    clear()
    storage = uploads.storage()
    name = storage.save(uploads.new_name(folder=_FOLDER, suffix=".csv"), ContentFile(data))
    return signing.dumps({"n": name, "m": merchant.pk, "u": by_id, "f": file_name[:200]}, salt=_SALT)


def taken(token: str, *, by_id: int) -> tuple[bytes, int, str]:
    """The bytes, the merchant's id and the file's own name. Raises FileGone."""
    try:
        said = signing.loads(token, salt=_SALT, max_age=KEPT)
    except signing.BadSignature as error:
        raise FileGone() from error
    if said["u"] != by_id:
        raise FileGone()
    try:
        with uploads.storage().open(said["n"]) as kept:
            data: bytes = kept.read()
    except FileNotFoundError as error:
        raise FileGone() from error
    return data, said["m"], said["f"]


def remove(token: str) -> None:
    """Off the shelf; harmless when it is gone."""
    with contextlib.suppress(signing.BadSignature, FileNotFoundError):
        uploads.storage().delete(signing.loads(token, salt=_SALT, max_age=KEPT)["n"])


def clear() -> int:
    """Remove what was left behind; how many."""
    storage, oldest, gone = uploads.storage(), clock.now() - KEPT, 0
    with contextlib.suppress(FileNotFoundError):
        for folder in storage.listdir(_FOLDER)[0]:
            for file in storage.listdir(f"{_FOLDER}/{folder}")[1]:
                name = f"{_FOLDER}/{folder}/{file}"
                with contextlib.suppress(FileNotFoundError):
                    if storage.get_modified_time(name) < oldest:
                        storage.delete(name)
                        gone += 1
    return gone
