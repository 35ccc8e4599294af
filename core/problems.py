"""Errors of the API as RFC 9457 problem documents: one shape, a stable `code`, nothing internal.

settings.REST_FRAMEWORK names `exception_handler`. Domain errors, Django's and DRF's refusals are mapped;
anything else is a bug and goes on to crash, so that it is logged and reported as one.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core.errors import DomainError

MEDIA_TYPE = "application/problem+json"
# Members of RFC 9457 and ours: an error's extra members never replace them.
_RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code", "errors"})
TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
Refusal = (
    DomainError
    | exceptions.APIException
    | Http404
    | PermissionDenied
    | ValidationError
    | RequestDataTooBig
    | TooManyFieldsSent
    | TooManyFilesSent
)
REFUSALS = (
    DomainError,
    exceptions.APIException,
    Http404,
    PermissionDenied,
    ValidationError,
    *TOO_LARGE,
)


class FieldProblemSerializer(serializers.Serializer[Any]):
    """One field that was refused."""

    field = serializers.CharField(help_text="Dotted path into the body; empty for the body as a whole.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document; `code` is stable, `detail` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        # `errors` is also the name of a property of serializers, so it cannot be declared as an attribute.
        return {**super().get_fields(), "errors": FieldProblemSerializer(many=True, required=False)}


def problem(
    *, status: int, code: str, title: str = "", detail: str = "", extra: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The document's members."""
    phrase = HTTPStatus(status).phrase
    return {
        "type": f"urn:tableside:problem:{code}",
        "title": title or phrase,
        "status": status,
        "detail": detail or title or phrase,
        "code": code,
        **{name: value for name, value in (extra or {}).items() if name not in _RESERVED},
    }


def response(body: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as DRF's answer."""
    status = body["status"]
    assert isinstance(status, int)
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook. None for what is no refusal but a bug."""
    if isinstance(error, DomainError):
        body = _of_domain(error)
        return response(body, headers={"Retry-After": "5"} if error.status == 503 else None)
    if isinstance(error, Http404):
        return response(problem(status=404, code="not_found", title="Not found"))
    if isinstance(error, PermissionDenied):
        return response(problem(status=403, code="forbidden", title="Not allowed"))
    if isinstance(error, TOO_LARGE):
        return response(
            problem(
                status=413, code="too_large", title="Too large", detail="The body is larger than is read."
            )
        )
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(detail=serializers.as_serializer_error(error))
    if isinstance(error, exceptions.ValidationError):
        return response(_invalid(error))
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    return None


def _of_domain(error: DomainError) -> dict[str, object]:
    """The error's members; `fields` (name -> what is wrong with it) is told as `errors`, as for any other body."""
    extra = {name: value for name, value in error.extra.items() if name != "fields"}
    body = problem(status=error.status, code=error.code, title=error.title, detail=error.detail, extra=extra)
    fields = error.extra.get("fields")
    if isinstance(fields, Mapping):
        body["errors"] = [
            {"field": str(name), "code": "invalid", "detail": str(detail)} for name, detail in fields.items()
        ]
    return body


def _invalid(error: exceptions.ValidationError) -> dict[str, object]:
    errors = list(_flat(error.get_full_details(), path=""))
    detail = "; ".join(
        f"{one['field']}: {one['detail']}" if one["field"] else one["detail"] for one in errors[:5]
    )
    return {
        **problem(status=422, code="invalid", title="The request is not valid", detail=detail),
        "errors": errors,
    }


def _flat(details: Any, *, path: str) -> Iterator[dict[str, str]]:
    if isinstance(details, Mapping) and set(details) == {"message", "code"}:
        yield {"field": path, "code": str(details["code"]), "detail": str(details["message"])}
    elif isinstance(details, Mapping):
        for name, value in details.items():
            here = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _flat(value, path=".".join(filter(None, (path, here))))
    else:
        items = list(details)
        leaves = all(isinstance(item, Mapping) and set(item) == {"message", "code"} for item in items)
        for number, item in enumerate(items):
            yield from _flat(item, path=path if leaves else f"{path}.{number}")


def _of_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if scheme := getattr(error, "auth_header", ""):
        headers["WWW-Authenticate"] = scheme
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(wait)
    return response(
        problem(status=error.status_code, code=str(error.default_code), detail=str(error.detail)),
        headers=headers,
    )
