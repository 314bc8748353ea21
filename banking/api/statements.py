"""GET /accounts/{id}/statements[/{YYYY-MM}]: closed months, as JSON or CSV.

Statements are streamed. A long one is a file that the background worker makes; until it exists, the answer is 202. Each
request for a file is checked like any other request, so an app that may no longer read the statement does not get the
file.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase, HttpResponseNotModified
from rest_framework.renderers import BaseRenderer, JSONRenderer

from banking import statement_files
from banking.accounts.history import FIELDS, needs_fresh_login
from banking.accounts.months import Month, closed_months, month_with_statement
from banking.accounts.statement_csv import csv_lines
from banking.accounts.statements import Statement as StatementRows
from banking.accounts.statements import statement_of
from banking.api import transactions
from banking.api.cursors import PAGE, Page
from banking.api.money import money
from banking.api.operation import operation
from banking.api.problems import BadRequest, ProblemResponse, problem
from banking.api.representations import PageOf, Statement, StatementHead, StatementSummary
from banking.api.responses import NotYet, Ok, SentFile, Streamed
from banking.api.views import BankView, account_or_404, unchanged, user_or_404
from banking.consents.history import history_of_account
from banking.models import StatementFile
from banking.models.account_queryset import user_id_of
from banking.notation.timestamps import timestamp
from oauth.infrastructure import replica
from oauth.resource_server import TokenRequest, require_authentication

_CHUNK = 500
#: A file of a million rows takes some minutes, a file of 20,000 rows some seconds.
_RETRY_AFTER_SECONDS = 10


class CSVRenderer(BaseRenderer):
    """Used only for content negotiation: the view streams the CSV itself. Errors are JSON."""

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
    def get(
        self, request: TokenRequest, account_id: str, month: str
    ) -> Streamed[Statement] | SentFile[Statement] | NotYet | ProblemResponse | HttpResponseNotModified:
        """A closed month, which never changes, as JSON or, by Accept, as CSV.

        While a long statement is being made, the answer is 202 without a body. Send the same request again after
        Retry-After.
        """
        account = account_or_404(request, account_id, "opened_at", action="statements")
        asked = month_with_statement(month, account["opened_at"])
        since = history_of_account(request.claims.authorization_details, account["id"])
        if asked is None or (since is not None and asked.begins_at < since):
            raise Http404
        if needs_fresh_login(asked.begins_at):
            require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
        # A closed month does not change, so its rows can be read later, from the same database.
        statement = replica.read(
            user_id_of(request.token), lambda alias: statement_of(account["id"], asked, using=alias)
        )
        is_csv = request.accepted_renderer.format == "csv"
        etag = _etag(account, statement, is_csv=is_csv)
        if (known := unchanged(request, etag)) is not None:
            return known
        if statement_files.is_too_long(statement):
            return _from_file(request, account, statement, etag, is_csv=is_csv)
        rows = statement.entries.values(*FIELDS).iterator(chunk_size=_CHUNK)
        body = csv_lines(statement, account["currency"], rows) if is_csv else json_text(account, statement, rows)
        answer: Streamed[Statement] = Streamed(body)
        _describe(answer, statement, etag, is_csv=is_csv)
        return answer


def _from_file(
    request: TokenRequest, account: dict[str, Any], statement: StatementRows, etag: str, *, is_csv: bool
) -> SentFile[Statement] | NotYet | ProblemResponse:
    wish = statement_files.Wish(
        user_or_404(request),
        account["id"],
        StatementFile.Form.CSV if is_csv else StatementFile.Form.JSON,
        etag.strip('"'),
        statement.begins_at,
        statement.ends_at,
        month=statement.month.first_day,
        client_id=request.claims.client_id,
    )
    asked = statement_files.ask(wish)
    try:
        file = statement_files.opened(asked) if asked is not None and asked.is_ready else None
    except statement_files.StorageAway:
        detail = "The file cannot be read at the moment. Repeat the same request."
        return ProblemResponse(problem("temporarily_unavailable", status=503, detail=detail), {"Retry-After": "10"})
    if file is None:
        return NotYet(location=request.path, retry_after_seconds=_RETRY_AFTER_SECONDS)
    answer: SentFile[Statement] = SentFile(file)
    _describe(answer, statement, etag, is_csv=is_csv)
    return answer


def _describe(answer: HttpResponseBase, statement: StatementRows, etag: str, *, is_csv: bool) -> None:
    answer["Content-Type"] = "text/csv; charset=utf-8" if is_csv else "application/json"
    answer["ETag"] = etag
    answer.headers.pop("Content-Disposition", None)  # FileResponse would use the name of the file in the storage
    if is_csv:
        answer["Content-Disposition"] = f'attachment; filename="statement-{statement.month}.csv"'


def _etag(account: dict[str, Any], statement: StatementRows, *, is_csv: bool) -> str:
    """A strong ETag, because the bytes of a closed month never change. Increase the number in `csv 5` when the format
    changes.
    """
    identity = f"{account['id']}|{statement.month}|{statement.last_seq}|{'csv 5' if is_csv else 'json 4'}"
    return f'"{hashlib.sha256(identity.encode()).hexdigest()[:32]}"'


def json_text(account: Mapping[str, Any], statement: StatementRows, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """`account` has `id` and `currency`; `rows` are the rows of the statement, with the columns of `history.FIELDS`."""
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
