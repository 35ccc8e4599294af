"""Receipts and credit notes in the API: the PDF, for whoever may see the payment."""

from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api import refusals
from core.errors import Conflict
from payments import documents
from payments.api.access import visible
from payments.models import CreditNote, Document, Receipt


class ReceiptNotReady(Conflict):
    """Money came and its receipt is being rendered."""

    code = "receipt_not_ready"
    title = "The receipt is being prepared. Ask again in a moment."


class CreditNoteNotReady(Conflict):
    """The price fell and its credit note is being rendered."""

    code = "credit_note_not_ready"
    title = "The credit note is being prepared. Ask again in a moment."


class FirstRenderer(BaseContentNegotiation):
    """A file is what it is, whatever the client says it accepts; refusals are problem documents."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ReceiptView(APIView):
    permission_classes = (AllowAny,)
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="payments_receipt",
        tags=["payments"],
        responses={
            (200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="The receipt."),
            **refusals(401, 404, 409),
        },
    )
    def get(self, request: Request, public_id: str) -> HttpResponse:
        """The receipt as a PDF. 404 for a payment without one, 409 while it is being prepared."""
        receipt = Receipt.objects.filter(payment__in=visible(request).filter(public_id=public_id)).first()
        return _file(receipt, unready=ReceiptNotReady)


class CreditNoteView(APIView):
    permission_classes = (AllowAny,)
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="payments_credit_note",
        tags=["payments"],
        responses={
            (200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="The credit note."),
            **refusals(401, 404, 409),
        },
    )
    def get(self, request: Request, public_id: str, number: str) -> HttpResponse:
        """A credit note of the payment's refunds as a PDF, by its number. 409 while it is being prepared."""
        notes = CreditNote.objects.filter(
            refund__payment__in=visible(request).filter(public_id=public_id),
            number=documents.number_in(number, of=CreditNote),
        )
        return _file(notes.first(), unready=CreditNoteNotReady)


def _file(document: Document | None, *, unready: type[Conflict]) -> HttpResponse:
    if document is None:
        raise Http404
    if document.pdf is None:
        raise unready()
    return HttpResponse(
        bytes(document.pdf),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{document.label}.pdf"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
