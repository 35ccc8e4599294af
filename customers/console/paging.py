"""Paging through tables too large to count."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class CappedPaginator(Paginator):
    """Counts to LIMIT and no further: a list of millions opens as fast as one of hundreds.

    Rows past LIMIT are reached by search and filters, as nobody turns two hundred pages.
    """

    LIMIT = 10_000
    template_name = "admin/tableside/pagination_capped.html"

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by()[: self.LIMIT].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= self.LIMIT
