"""Deletes expired files, and the files of failed attempts."""

import re

from django.core.files.storage import Storage
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from banking.models import AccountAccess, StatementFile
from banking.statement_files import place

_NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[._].*")
_AT_ONCE = 1000


def delete_old() -> int:
    """Deletes old files, and files of accounts that their user may no longer see. Returns the number of rows."""
    if not place.exists():
        return 0
    seen = AccountAccess.objects.filter(user=OuterRef("user"), account=OuterRef("account"))
    count, _ = StatementFile.objects.filter(Q(expires_at__lte=timezone.now()) | ~Exists(seen)).delete()
    _sweep(place.storage())
    return count


def _sweep(storage: Storage) -> None:
    """Deletes each file that no row names. Keeps the files of a row without a complete file, because one of them may
    still be written.
    """
    try:
        _, names = storage.listdir(place.FOLDER)
    except FileNotFoundError:
        return
    ours = [(found[1], name) for name in names if (found := _NAME.fullmatch(name))]
    for start in range(0, len(ours), _AT_ONCE):
        part = ours[start : start + _AT_ONCE]
        rows = StatementFile.objects.filter(pk__in=[pk for pk, _ in part]).values_list("pk", "name")
        named = {str(pk): name for pk, name in rows}
        for pk, name in part:
            path = f"{place.FOLDER}/{name}"
            if named.get(pk) not in ("", path):
                storage.delete(path)
