"""A file storage that makes a background worker hang, so that a test can kill the worker in the middle of a file."""

import threading
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

#: The storage hangs while this file is in the directory.
HANGS = "hangs"


class BlockingStorage(FileSystemStorage):
    """Hangs after it has written half of a CSV file, or all of any other file."""

    def _save(self, name: str, content: Any) -> str:
        directory = Path(self.location)
        if not (directory / HANGS).exists():
            return super()._save(name, content)
        whole = content.read()
        kind = Path(name).suffix
        file = directory / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(whole[: len(whole) // 2] if kind == ".csv" else whole)
        (directory / f"written{kind}").touch()
        threading.Event().wait()
        return name
