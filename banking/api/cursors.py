"""Cursors of lists: the position of the next page, signed for one user, one client and one list.

A cursor that was edited or comes from another list is refused before any query (Hydra CVE-2026-33504).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet

from banking.api.problems import BadRequest
from banking.api.query import Number, Text
from banking.api.representations import PageOf
from oauth.resource_server import TokenRequest

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
MAX_CURSOR_CHARACTERS = 512
LIMIT = Number("limit", "Maximum number of items.", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT)


def cursor_of(max_characters: int) -> Text:
    """The parameter `cursor`."""
    return Text("cursor", "`next_cursor` of the previous page.", max_length=max_characters)


_CURSOR = cursor_of(MAX_CURSOR_CHARACTERS)
#: The query parameters of a list.
PAGE = (LIMIT, _CURSOR)
R = TypeVar("R", bound=Mapping[str, Any])

_Row = TypeVar("_Row")


class Page:
    """`limit` and `cursor` of a request. `scope_of` identifies the list and its filters."""

    def __init__(self, request: TokenRequest, scope_of: str, *, cursor: Text = _CURSOR) -> None:
        claims = request.claims
        self._signer = signing.Signer(salt=f"cursor|{claims.subject}|{claims.client_id}|{scope_of}")
        self.limit = LIMIT.value(request)
        given = cursor.text(request)
        self.after: Any = self._read(given, cursor.max_length) if given is not None else None

    def newest_first(self, rows: QuerySet[Any, _Row]) -> QuerySet[Any, _Row]:
        """The rows of this page by id, the newest first, and one further row if there is one."""
        if self.after is not None:
            rows = rows.filter(pk__lt=UUID(self.after))
        return rows.order_by("-pk")[: self.limit + 1]

    def envelope(
        self,
        rows: list[R],
        *,
        key: str | Callable[[R], str],
        is_cut: bool = False,
        goes_on_at: str | None = None,
    ) -> PageOf[R]:
        """The JSON of a page. `rows` has up to limit + 1 rows; `is_cut` says that further rows exist even if `rows` has
        fewer. `key` is the member whose value becomes the position of the next page, or a function that computes the
        position from a row. `goes_on_at` is the position of the next page if this one is not full; None if this is the
        last page.
        """
        position = key if callable(key) else lambda row: str(row[key])
        shown = rows[: self.limit]
        if is_cut or len(rows) > self.limit:
            goes_on_at = position(shown[-1])
        return {"data": shown, "next_cursor": None if goes_on_at is None else self.cursor(goes_on_at)}

    def cursor(self, position: str) -> str:
        return self._signer.sign_object(position, compress=True)

    def _read(self, cursor: str, max_characters: int) -> str:
        try:
            if len(cursor) > max_characters:
                raise signing.BadSignature
            return str(self._signer.unsign_object(cursor))
        except (signing.BadSignature, ValueError):
            raise BadRequest("invalid_cursor", "The cursor does not belong to this list.") from None
