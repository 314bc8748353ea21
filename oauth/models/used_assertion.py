"""Used client assertions (RFC 7523 §3 item 7), by client and `jti`, partitioned as in `used_proof`."""

from datetime import datetime

from django.conf import settings
from django.db import models

from oauth.infrastructure.rows import changed
from oauth.models.secret import DigestField, digest


class UsedAssertion(models.Model):
    assertion_digest = DigestField(primary_key=True)
    # No foreign key constraint: PostgreSQL would lock the client's row for each insert, and many requests share it. A
    # row of a deleted client has no effect and expires.
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"assertion that expires at {self.expires_at}"

    @classmethod
    def use(cls, client_pk: int, jti: str, *, expires_at: datetime) -> bool:
        """Stores the use until `expires_at`, which must be computed from the signed `exp`, and returns whether it is
        the first. The unique digest decides between parallel requests. The ORM does not report which rows had a
        conflict.
        """
        return (
            changed(
                f"INSERT INTO {cls._meta.db_table} (assertion_digest, client_id, expires_at) VALUES (%s, %s, %s) "  # noqa: S608
                "ON CONFLICT DO NOTHING",
                [digest(f"{client_pk} {jti}"), client_pk, expires_at],
            )
            == 1
        )
