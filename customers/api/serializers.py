"""Bodies of signing in."""

from typing import Any

from rest_framework import serializers


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254, help_text="E-mail address, or the name of the sign-in.")
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)
    code = serializers.CharField(
        max_length=32,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="Of the authenticator app, or a recovery code. Asked for by `second_factor_required`.",
    )


class RefreshSerializer(serializers.Serializer[Any]):
    refresh_token = serializers.CharField(max_length=200)


class LogoutSerializer(serializers.Serializer[Any]):
    refresh_token = serializers.CharField(max_length=200, required=False)


class TokensSerializer(serializers.Serializer[Any]):
    token_type = serializers.CharField(help_text="Bearer")
    access_token = serializers.CharField(help_text="A JWT, sent as `Authorization: Bearer …`.")
    expires_in = serializers.IntegerField(help_text="Seconds that the access token is good for.")
    refresh_token = serializers.CharField(help_text="Good once, for POST auth/refresh.")


class UserSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    username = serializers.CharField()
    email = serializers.CharField()


class MembershipSerializer(serializers.Serializer[Any]):
    merchant = serializers.CharField(help_text="Its slug.")
    merchant_name = serializers.CharField()
    role = serializers.CharField()


class OwnCustomerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    merchant = serializers.CharField(help_text="Its slug.")
    name = serializers.CharField()
    email = serializers.CharField()


class ShownSerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=["token", "session"])
    methods = serializers.ListField(child=serializers.CharField())
    at = serializers.DateTimeField(allow_null=True)
    is_recent = serializers.BooleanField(help_text="Recent enough for what moves much money.")


class MeSerializer(serializers.Serializer[Any]):
    user = UserSerializer()
    memberships = MembershipSerializer(many=True)
    customers = OwnCustomerSerializer(many=True)
    authentication = ShownSerializer()
