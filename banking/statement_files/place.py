"""The storage of the files: "files" of settings.STORAGES, which all machines share and which has no URLs."""

from typing import Final

from django.conf import settings
from django.core.files.storage import Storage, storages

from banking.models import StatementFile

FOLDER: Final = "statements"
_ALIAS: Final = "files"


def exists() -> bool:
    """Whether a storage is configured. Without one, statements of any length are streamed."""
    return _ALIAS in settings.STORAGES


def storage() -> Storage:
    return storages[_ALIAS]


def ending(row: StatementFile) -> str:
    return "json" if row.form == StatementFile.Form.JSON else "csv"
