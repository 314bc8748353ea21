"""Used DPoP proofs (RFC 9449 §11.1), shared by all worker processes and kept across restarts.

The table has a partition for each hour of `expires_at` (docs/decisions/011-partitions.md). A digest is unique only
within a partition, so `expires_at` must be computed from signed claims: a replayed proof then gets the partition of its
first use.
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
    """A function for OAUTH["REPLAY_CHECK"]. The unique index decides between parallel requests.

    `lifetime` counts from the arrival of the proof, so it cannot select the partition.
    """
    return (
        changed(
            f"INSERT INTO {UsedProof._meta.db_table} (proof_digest, expires_at) VALUES (%s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [digest, expires_at],
        )
        == 1
    )
