"""Client assertions that were used (RFC 7523 §3 item 7), by client and `jti`; in partitions as `used_proof` says."""

from datetime import datetime

from django.conf import settings
from django.db import models

from oauth.infrastructure.rows import changed
from oauth.models.secret import DigestField, digest


class UsedAssertion(models.Model):
    assertion_digest = DigestField(primary_key=True)
    # No constraint: for each row, PostgreSQL would lock the row of the client, which many requests share. A row without
    # its client has no effect, and is deleted when it has expired.
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
        """Whether this is the first use, remembered until `expires_at`, which must follow from the signed `exp`. One
        statement: the unique digest decides a race. Written in SQL, because the ORM does not say which rows a conflict
        left out.
        """
        return (
            changed(
                f"INSERT INTO {cls._meta.db_table} (assertion_digest, client_id, expires_at) VALUES (%s, %s, %s) "  # noqa: S608
                "ON CONFLICT DO NOTHING",
                [digest(f"{client_pk} {jti}"), client_pk, expires_at],
            )
            == 1
        )
