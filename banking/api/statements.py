"""GET /accounts/{id}/statements[/{YYYY-MM}]: closed months, as JSON or CSV, streamed."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseNotModified
from rest_framework.renderers import BaseRenderer, JSONRenderer

from banking.accounts.history import FIELDS, needs_fresh_login
from banking.accounts.months import Month, closed_months, month_with_statement
from banking.accounts.statement_csv import csv_lines
from banking.accounts.statements import Statement as StatementRows
from banking.accounts.statements import statement_of
from banking.api import transactions
from banking.api.cursors import PAGE, Page
from banking.api.money import money
from banking.api.operation import operation
from banking.api.problems import BadRequest
from banking.api.representations import PageOf, Statement, StatementHead, StatementSummary
from banking.api.responses import Ok, Streamed
from banking.api.views import BankView, account_or_404, unchanged
from banking.consents.history import history_of_account
from banking.notation.timestamps import timestamp
from oauth.resource_server import TokenRequest, require_authentication

_CHUNK = 500


class CSVRenderer(BaseRenderer):
    """For content negotiation only: the view streams the CSV itself. Errors are JSON."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data)


class StatementList(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["statements:read"]}
    query_parameters = {"GET": PAGE}

    @operation("List statements")
    def get(self, request: TokenRequest, account_id: str) -> Ok[PageOf[StatementSummary]]:
        account = account_or_404(request, account_id, "opened_at", action="statements")
        page = Page(request, f"statements|{account['id']}")
        before = Month.parse(page.after) if page.after is not None else None
        if page.after is not None and before is None:
            raise BadRequest("invalid_cursor", "The cursor does not belong to this list.")
        since = history_of_account(request.claims.authorization_details, account["id"])
        listed = closed_months(account["opened_at"], before=before)
        if since is not None:
            listed = takewhile(lambda month: month.begins_at >= since, listed)
        rows: list[StatementSummary] = [
            {"id": str(month), "from": timestamp(month.begins_at), "to": timestamp(month.ends_at)}
            for month in islice(listed, page.limit + 1)
        ]
        return Ok(page.envelope(rows, key="id"))


class StatementDetail(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["statements:read"]}
    renderer_classes = [JSONRenderer, CSVRenderer]

    @operation("Read a statement")
    def get(self, request: TokenRequest, account_id: str, month: str) -> Streamed[Statement] | HttpResponseNotModified:
        """A closed month; the same for ever. As JSON or, by Accept, as CSV."""
        account = account_or_404(request, account_id, "opened_at", action="statements")
        asked = month_with_statement(month, account["opened_at"])
        since = history_of_account(request.claims.authorization_details, account["id"])
        if asked is None or (since is not None and asked.begins_at < since):
            raise Http404
        if needs_fresh_login(asked.begins_at):
            require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
        statement = statement_of(account["id"], asked)
        is_csv = request.accepted_renderer.format == "csv"
        etag = _etag(account, statement, is_csv=is_csv)
        if (known := unchanged(request, etag)) is not None:
            return known
        rows = statement.entries.values(*FIELDS).iterator(chunk_size=_CHUNK)
        body = csv_lines(statement, account["currency"], rows) if is_csv else _json(account, statement, rows)
        content_type = "text/csv; charset=utf-8" if is_csv else "application/json"
        answer: Streamed[Statement] = Streamed(body, content_type=content_type)
        answer["ETag"] = etag
        if is_csv:
            answer["Content-Disposition"] = f'attachment; filename="statement-{asked}.csv"'
        return answer


def _etag(account: dict[str, Any], statement: StatementRows, *, is_csv: bool) -> str:
    """Strong: a closed month has the same bytes for ever. Change `csv 4` when the format of the file changes."""
    identity = f"{account['id']}|{statement.month}|{statement.last_seq}|{'csv 4' if is_csv else 'json 3'}"
    return f'"{hashlib.sha256(identity.encode()).hexdigest()[:32]}"'


def _json(account: dict[str, Any], statement: StatementRows, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    head: StatementHead = {
        "id": str(statement.month),
        "account_id": account["id"],
        "from": timestamp(statement.begins_at),
        "to": timestamp(statement.ends_at),
        "opening_balance": money(account["currency"], statement.opening_minor),
        "closing_balance": money(account["currency"], statement.closing_minor),
    }
    yield json.dumps(head, default=str)[:-1] + ', "transactions": ['
    for number, row in enumerate(rows):
        yield (", " if number else "") + json.dumps(transactions.represent_in_statement(row), default=str)
    yield "]}"
