"""The background worker makes a file."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.files import File
from django.db import transaction
from django.utils import timezone, translation

from banking.accounts.history import FIELDS
from banking.accounts.months import Month
from banking.accounts.statement_csv import Notation, csv_lines
from banking.accounts.statements import Extract, Statement, extract_of, statement_of
from banking.models import AccountAccess, StatementFile
from banking.notices import Kind, enqueue_notice
from banking.statement_files import place

FILES_KEPT = timedelta(days=7)
_ROWS_AT_ONCE = 5000

Row = dict[str, Any]
#: Renders a month's statement as JSON, from `id` and `currency` of the account, the statement and its rows.
JSONText = Callable[[Mapping[str, Any], Statement, Iterable[Row]], Iterator[str]]


def make(file_id: UUID, json_text: JSONText) -> None:
    """Makes the file, and notifies the user if they asked in the web bank. Does nothing if the file exists or its time
    is over. Deletes the row if its user no longer has access to the account.
    """
    row = StatementFile.objects.select_related("account").filter(pk=file_id, name="").first()
    if row is None or row.expires_at <= timezone.now():
        return
    if not AccountAccess.objects.filter(user=row.user_id, account=row.account_id).exists():
        row.delete()
        return
    with tempfile.TemporaryFile() as whole:
        size = _write(_text(row, json_text), whole)
        name = place.storage().save(f"{place.FOLDER}/{row.pk}.{place.ending(row)}", File(whole))
    now = timezone.now()
    with transaction.atomic():
        is_first = StatementFile.objects.filter(pk=row.pk, name="").update(
            name=name, size_bytes=size, made_at=now, expires_at=now + FILES_KEPT
        )
        if is_first and not row.client_id:
            enqueue_notice(Kind.STATEMENT_READY, row.pk)
    if not is_first:
        place.storage().delete(name)


def _text(row: StatementFile, json_text: JSONText) -> Iterator[str]:
    account = row.account
    if row.month is None:
        extract = extract_of(account.pk, row.begins_at, row.ends_at)
        return csv_lines(extract, account.currency, _rows(extract), _notation(row))
    statement = statement_of(account.pk, Month.of(row.month))
    if row.form == StatementFile.Form.JSON:
        return json_text({"id": account.pk, "currency": account.currency}, statement, _rows(statement))
    return csv_lines(statement, account.currency, _rows(statement), _notation(row))


def _notation(row: StatementFile) -> Notation:
    if row.form != StatementFile.Form.SPREADSHEET:
        return Notation()
    with translation.override(row.language), timezone.override(ZoneInfo(row.time_zone)):
        return Notation.of_page()


def _rows(extract: Extract) -> Iterator[Row]:
    """Reads the rows in parts, each by its own query, so that no query runs for minutes. The parts are consistent,
    because entries never change.
    """
    after = extract.first_seq - 1
    while part := list(extract.entries.filter(account_seq__gt=after).values(*FIELDS)[:_ROWS_AT_ONCE]):
        yield from part
        after = part[-1]["account_seq"]


def _write(text: Iterable[str], file: IO[bytes]) -> int:
    for part in text:
        file.write(part.encode())
    size = file.tell()
    file.seek(0)
    return size
