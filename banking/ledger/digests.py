"""Digests of the ledger that are kept outside of the database, so that its owner cannot rewrite the ledger unnoticed.

Each audit extends the chain of digests of each account. The digest of a run is signed by a key of the server
(LEDGER_SIGNER) and written to the log and, with the setting LEDGER_DIGEST_FILE, to a file. LEDGER_VERIFIER verifies the
lines of the file, also with keys that have retired since.
"""

import fcntl
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.module_loading import import_string

from banking.ledger.asking import patient_cursor
from banking.models import LedgerAudit, LedgerDigest, RecordDigest
from banking.notation.timestamps import timestamp

logger = logging.getLogger(__name__)
TYP = "ledger-digest+jws"
_signer = signing.Signer(salt="banking.ledger.digest")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: `content`, which is JSON with the run, its links, their digest and the time; and the
    signature of `content`.
    """

    content: str
    signature: str
    run: int
    digest: str
    at: datetime

    @classmethod
    def parse(cls, text: str) -> "Line":
        """Raises ValueError for a line that we did not write."""
        content, _, signature = text.rpartition(" ")
        record = json.loads(content)
        try:
            return cls(content, signature, int(record["run"]), record["digest"], datetime.fromisoformat(record["at"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not a digest of the ledger") from error

    @property
    def is_signed(self) -> bool:
        verify = import_string(settings.LEDGER_VERIFIER)
        return bool(verify(self.content.encode(), self.signature, typ=TYP, at=self.at))


def extend(cursor: Any) -> str:
    """Extends the chain of each account that has new entries, and the chain of records that have become final. Returns
    the signed digest of the run; empty if there was nothing new."""
    cursor.execute("SELECT run, links, root FROM extend_digests()")
    run, links, root = cursor.fetchone()
    if not links:
        return ""
    record = json.dumps({"run": run, "links": links, "digest": bytes(root).hex(), "at": timestamp(timezone.now())})
    signature = import_string(settings.LEDGER_SIGNER)(record.encode(), typ=TYP)
    return f"{record} {signature}"


def last_run() -> int:
    """The number of the last run; 0 before the first one."""
    newest = (
        model.objects.order_by("-run").values_list("run", flat=True).first() for model in (LedgerDigest, RecordDigest)
    )
    return max(run or 0 for run in newest)


def stored(digest: str) -> str:
    """The form in which a LedgerAudit stores it: signed with SECRET_KEY, because the owner of the tables can write
    such a row.
    """
    return _signer.sign(digest) if digest else ""


def write_outside(digest: str = "") -> None:
    """Logs the digest, and appends all committed digests that the file lacks, so that neither a crash after COMMIT nor
    an audit on another machine leaves a gap.
    """
    if digest:
        logger.info("Digest of the ledger: %s", digest)
    path = _path()
    if path is None or not (path.exists() or _committed_after(0)):
        return
    with path.open("a+") as file:
        # Another process may write the same lines; the lock is released when the file is closed.
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = max((_line_or_unsigned(text).run for text in file), default=0)
        file.writelines(f"{one}\n" for one in _committed_after(last))


def _committed_after(run: int) -> list[str]:
    """The signed digests of later runs, the oldest first."""
    found: list[str] = []
    for signed in LedgerAudit.objects.exclude(digest="").order_by("-pk").values_list("digest", flat=True).iterator():
        try:
            text = _signer.unsign(signed)
        except signing.BadSignature:  # a line that we did not write
            continue
        if Line.parse(text).run <= run:
            break
        found.append(text)
    return found[::-1]


def contradicted(since_run: int = 0) -> list[tuple[int, str, str]]:
    """Each run that differs from the file, or is missing in the file: (run, digest in the file, digest in the
    database).

    Another machine may audit meanwhile, and a run is committed before it is written to the file. Therefore the file is
    completed after the runs have been read from the database. The digests are read last: by then, each run in the file
    is in the database.
    """
    path = _path()
    if path is None:
        return []
    is_first = not path.exists()
    with patient_cursor() as cursor:
        cursor.execute(
            """SELECT run FROM ledger_digest WHERE run >= %(since)s
               UNION SELECT run FROM record_digest WHERE run >= %(since)s""",
            {"since": since_run},
        )
        committed = {run for (run,) in cursor.fetchall()}
        write_outside()
        lines = _lines(path)
        if is_first and not lines:
            return []
        said = {line.run: line.digest for line in lines if line.run >= since_run}
        first = lines[0].run if lines else 1
        cursor.execute(
            "SELECT run, encode(digest_of_run(run), 'hex') FROM unnest(%s::int[]) AS run ORDER BY run",
            [list(said.keys() | {run for run in committed if run >= first})],
        )
        found = cursor.fetchall()
    return [(run, said.get(run, "missing"), digest) for run, digest in found if digest != said.get(run)]


def not_signed(since_run: int = 0) -> Iterator[tuple[Any, ...]]:
    """Each line of the file that none of our keys signed: (run, time)."""
    path = _path()
    if path is None:
        return
    for line in _lines(path):
        if line.run >= since_run and not line.is_signed:
            yield line.run, timestamp(line.at)


def _path() -> Path | None:
    return Path(settings.LEDGER_DIGEST_FILE) if settings.LEDGER_DIGEST_FILE else None


def _lines(path: Path) -> list[Line]:
    """Empty if there is no file. A line that cannot be read counts as one that is not signed."""
    if not path.exists():
        return []
    return [_line_or_unsigned(text) for text in path.read_text().splitlines()]


def _line_or_unsigned(text: str) -> Line:
    try:
        return Line.parse(text)
    except ValueError:
        return Line(text, "", 0, "", datetime.fromtimestamp(0, UTC))
