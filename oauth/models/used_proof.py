"""DPoP proofs that were used (RFC 9449 §11.1), shared by all workers and kept over their restarts."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from oauth.infrastructure.rows import changed
from oauth.models.secret import DigestField


class UsedProof(models.Model):
    proof_digest = DigestField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="used_proof_expiry")]

    def __str__(self) -> str:
        return f"proof {self.pk}"


def is_first_use(digest: bytes, lifetime: timedelta) -> bool:
    """For OAUTH["REPLAY_CHECK"]: one statement, whose unique index decides a race."""
    return (
        changed(
            f"INSERT INTO {UsedProof._meta.db_table} (proof_digest, expires_at) VALUES (%s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            [digest, timezone.now() + lifetime],
        )
        == 1
    )
