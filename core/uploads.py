"""Files that people send: kept outside the web root, under settings.PRIVATE_MEDIA_ROOT, with names of our own.

Nothing here has an address: whoever may see a file gets it from a view that checks so, as an attachment. Rooms decide
what they accept before they store it.
"""

import uuid

from django.core.files.storage import Storage, storages


def storage() -> Storage:
    """Where private files lie. Given to FileFields as a callable, so that migrations name no place."""
    return storages["private"]


def new_name(*, folder: str, suffix: str) -> str:
    """A name that tells nothing and cannot be guessed, in a folder per kind: "proofs/3f/3f6c….png"."""
    name = uuid.uuid4().hex
    return f"{folder}/{name[:2]}/{name}{suffix}"
