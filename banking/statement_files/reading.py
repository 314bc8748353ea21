"""Reading a file. Only its user may read it, and only with access to the account."""

from datetime import timedelta
from uuid import UUID

from django.core.files import File
from django.db.models import QuerySet
from django.utils import timezone

from banking.accounts.months import Month
from banking.models import Account, StatementFile
from banking.notation import bank_day
from banking.statement_files import place


class StorageAway(Exception):
    """The file cannot be read for now."""


def of_user(user_id: UUID) -> QuerySet[StatementFile]:
    """The files that the user requested at the web bank and may read or wait for, newest first."""
    theirs = StatementFile.objects.filter(user_id=user_id, client_id="", account__in=Account.objects.of_user(user_id))
    return theirs.filter(expires_at__gt=timezone.now()).order_by("-id")


def opened(row: StatementFile) -> "File[bytes] | None":
    """The complete file. If the storage has lost it, deletes the row, so that the file can be requested again, and
    returns None. Raises StorageAway.
    """
    try:
        file = place.storage().open(row.name, "rb")
        if file.size == row.size_bytes:
            return file
        file.close()
    except FileNotFoundError:
        pass  # treated like a truncated file
    except OSError as error:
        raise StorageAway from error
    row.delete()
    return None


def file_name(row: StatementFile) -> str:
    """The file name with which the browser saves it."""
    if row.month is not None:
        return f"statement-{Month.of(row.month)}.{place.ending(row)}"
    first, last = bank_day.day_of(row.begins_at), bank_day.day_of(row.ends_at - timedelta(microseconds=1))
    return f"transactions-{first}-{last}.{place.ending(row)}"
