"""A Redis behind a Unix socket has two names: redis-py calls it unix://, Celery redis+socket://. Either may be set."""

_CLIENTS, _CELERY = ("unix://", "db="), ("redis+socket://", "virtual_host=")


def for_clients(url: str) -> str:
    """As redis-py reads it; any other address is left alone."""
    return _renamed(url, was=_CELERY, now=_CLIENTS)


def for_celery(url: str) -> str:
    """As Celery reads it; any other address is left alone."""
    return _renamed(url, was=_CLIENTS, now=_CELERY)


def _renamed(url: str, *, was: tuple[str, str], now: tuple[str, str]) -> str:
    if not url.startswith(was[0]):
        return url
    address, mark, options = url.removeprefix(was[0]).partition("?")
    return f"{now[0]}{address}{mark}" + "&".join(
        now[1] + one.removeprefix(was[1]) if one.startswith(was[1]) else one for one in options.split("&")
    )
