"""Files that people send: kept outside the web root, under settings.PRIVATE_MEDIA_ROOT, with names of our own.

Nothing here has an address: whoever may see a file gets it from a view that checks so, as an attachment. Rooms decide
what they accept before they store it.
"""

import os
import uuid

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages


class PrivateStorage(FileSystemStorage):
    """Files in a folder that no server serves: settings.PRIVATE_MEDIA_ROOT, read each time."""

    @property
    def base_location(self) -> str:
        return str(settings.PRIVATE_MEDIA_ROOT)

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)

    def url(self, name: str | None) -> str:
        raise ValueError("A private file has no address: serve it from a view that checks who asks.")


def storage() -> Storage:
    """Where private files lie. Given to FileFields as a callable, so that migrations name no place."""
    return storages["private"]


def new_name(*, folder: str, suffix: str) -> str:
    """A name that tells nothing and cannot be guessed, in a folder per kind: "proofs/3f/3f6c….png"."""
    name = uuid.uuid4().hex
    return f"{folder}/{name[:2]}/{name}{suffix}"
