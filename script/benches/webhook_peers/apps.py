"""allauth's models are the product's; its middleware, which it insists on, would only slow the peer down."""

from allauth.account.apps import AccountConfig


class AccountWithoutMiddleware(AccountConfig):
    def ready(self) -> None:
        """Nothing is checked."""
