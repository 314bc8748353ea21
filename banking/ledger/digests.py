"""What is kept of the ledger outside of the database, so that its owner cannot rewrite it unseen.

Each audit extends the chain of digests of each account. The digest of a run goes to the log and, with the setting
LEDGER_DIGEST_FILE, to a file, signed by a key of the server (LEDGER_SIGNER).
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from banking.notation.timestamps import timestamp

logger = logging.getLogger(__name__)
TYP = "ledger-digest+jws"


def extend() -> None:
    """Adds a link for each account that has new entries, and writes the digest of the run down outside."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT run, links, root FROM extend_digests()")
        run, links, root = cursor.fetchone()
    if not links:
        return
    record = json.dumps({"run": run, "links": links, "digest": bytes(root).hex(), "at": timestamp(timezone.now())})
    signature = import_string(settings.LEDGER_SIGNER)(record.encode(), typ=TYP)
    logger.info("Digest of the ledger: %s %s", record, signature)
    if settings.LEDGER_DIGEST_FILE:
        with Path(settings.LEDGER_DIGEST_FILE).open("a") as file:
            file.write(f"{record} {signature}\n")


def contradicted() -> Iterator[tuple[Any, ...]]:
    """Each run whose links are not those that the file says: (run, digest in the file, digest in the database)."""
    if not settings.LEDGER_DIGEST_FILE or not Path(settings.LEDGER_DIGEST_FILE).exists():
        return
    lines = Path(settings.LEDGER_DIGEST_FILE).read_text().splitlines()
    said = {(record := json.loads(line.rpartition(" ")[0]))["run"]: record["digest"] for line in lines}
    with connection.cursor() as cursor:
        cursor.execute("SELECT run, encode(digest_of_run(run), 'hex') FROM unnest(%s::int[]) AS run", [list(said)])
        for run, digest in cursor.fetchall():
            if digest != said[run]:
                yield run, said[run], digest
