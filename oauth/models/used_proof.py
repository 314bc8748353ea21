"""DPoP proofs that were used (RFC 9449 §11.1), shared by all workers and kept over their restarts.

The table has a partition for each hour of `expires_at` (docs/decisions/011-partitions.md). A digest is unique in its
partition, so `expires_at` must follow from what is signed: then a replayed proof always gets the partition of its first
use.
"""

from datetime import datetime, timedelta

from django.db import models

from oauth.infrastructure.rows import changed
from oauth.models.secret import DigestField


class UsedProof(models.Model):
    proof_digest = DigestField(primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"proof that expires at {self.expires_at}"


def is_first_use(digest: bytes, lifetime: timedelta, expires_at: datetime) -> bool:
    """For OAUTH["REPLAY_CHECK"]: one statement, whose unique index decides a race.

    `lifetime` begins when the proof arrives, so it does not choose the partition.
    """
    return (
        changed(
            f"INSERT INTO {UsedProof._meta.db_table} (proof_digest, expires_at) VALUES (%s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [digest, expires_at],
        )
        == 1
    )
