"""Cursors of lists: the position of the next page, signed for one user, one client and one list.

A cursor that was edited or comes from another list is refused before any query (Hydra CVE-2026-33504).
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet

from banking.api.problems import BadRequest
from oauth.resource_server import TokenRequest

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
#: The query parameters of a list.
PAGE = ("limit", "cursor")
MAX_CURSOR_CHARACTERS = 512

_Row = TypeVar("_Row")


class Page:
    """`limit` and `cursor` of a request. `scope_of` names the list and its filters."""

    def __init__(self, request: TokenRequest, scope_of: str) -> None:
        claims = request.claims
        self._signer = signing.Signer(salt=f"cursor|{claims.subject}|{claims.client_id}|{scope_of}")
        self.limit = _limit(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor")
        self.after: Any = self._read(cursor) if cursor is not None else None

    def newest_first(self, rows: QuerySet[Any, _Row]) -> QuerySet[Any, _Row]:
        """The rows of this page by id, the newest first, and one more if there is one."""
        if self.after is not None:
            rows = rows.filter(pk__lt=UUID(self.after))
        return rows.order_by("-pk")[: self.limit + 1]

    def envelope(
        self, rows: list[dict[str, Any]], *, key: str | Callable[[dict[str, Any]], str], is_cut: bool = False
    ) -> dict[str, Any]:
        """The JSON of a page. `rows` has up to limit + 1 rows; `is_cut` says that more exist anyway. `key` is the
        member that the next page continues after, or a function that makes the position from a row."""
        position = key if callable(key) else lambda row: str(row[key])
        shown = rows[: self.limit]
        has_more = is_cut or len(rows) > self.limit
        return {
            "data": shown,
            "next_cursor": self._signer.sign_object(position(shown[-1])) if has_more else None,
        }

    def _read(self, cursor: str) -> str:
        try:
            if len(cursor) > MAX_CURSOR_CHARACTERS:
                raise signing.BadSignature
            return str(self._signer.unsign_object(cursor))
        except (signing.BadSignature, ValueError):
            raise BadRequest("invalid_cursor", "The cursor does not belong to this list.") from None


def _limit(given: str | None) -> int:
    if given is None:
        return DEFAULT_LIMIT
    if not given.isascii() or not given.isdigit() or len(given) > 4 or not 1 <= int(given) <= MAX_LIMIT:
        raise BadRequest("malformed_request", f"limit must be a number from 1 to {MAX_LIMIT}.")
    return int(given)
