"""A user or an app asks for a statement that is too long for a response."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from banking.accounts.statements import Extract
from banking.database import jobs
from banking.models import StatementFile
from banking.statement_files import place

TASK: Final = "banking.make_statement_file"
#: After this time, no further attempt is made to complete a file.
PATIENCE = timedelta(days=1)
#: The maximum number of incomplete files of one user.
MOST_WAITING = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """The fields of StatementFile that say what the file contains, and who asked for it."""

    user_id: UUID
    account_id: UUID
    form: StatementFile.Form
    identity: str
    begins_at: datetime
    ends_at: datetime
    month: date | None = None
    client_id: str = ""
    language: str = ""
    time_zone: str = ""


def is_too_long(extract: Extract) -> bool:
    return extract.number_of_rows > settings.STATEMENT_FILE_ROWS and place.exists()


def ask(wish: Wish) -> StatementFile | None:
    """The file, which the background worker may still have to make. None if the user already has MOST_WAITING
    incomplete files. The caller must check that the user may see the account.
    """
    now = timezone.now()
    same = StatementFile.objects.filter(user_id=wish.user_id, client_id=wish.client_id, identity=wish.identity)
    found = same.filter(expires_at__gt=now).first()
    if found is not None:
        return found
    with transaction.atomic():
        same.filter(expires_at__lte=now).delete()
        waiting = StatementFile.objects.filter(user_id=wish.user_id, name="", expires_at__gt=now)
        if waiting.count() >= MOST_WAITING:
            return None
        asked, is_new = same.get_or_create(defaults={**asdict(wish), "asked_at": now, "expires_at": now + PATIENCE})
        if is_new:
            jobs.defer(TASK, file_id=str(asked.pk))
    return asked
