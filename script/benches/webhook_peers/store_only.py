"""dj-stripe's callback that does nothing: the view then only stores."""


def callback(_trigger: object, api_key: str = "") -> None:
    """The work would be left to a task; here nobody does it."""
