from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from customers.authentication import signals

        assert signals

    def rotate_field_encryption(self) -> str:
        """Asked by the command of that name."""
        from customers.authentication import rotation

        return f"mfa.Authenticator.data: {rotation.rotate()} re-encrypted"
