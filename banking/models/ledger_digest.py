"""The chain of digests over the entries of each account."""

from django.db import models


class LedgerDigest(models.Model):
    """SHA-256 over the digest of the previous link, and over the entries after that link up to `seq`. The audit extends
    the chains; each `run` has a digest of its links, which is kept outside of the database. Append-only.
    """

    account_id = models.UUIDField()
    seq = models.BigIntegerField()
    digest = models.BinaryField()
    run = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "ledger_digest"
        default_permissions = ()
        indexes = [models.Index(fields=["run"], name="digest_of_run"), models.Index(fields=["at"], name="digest_at")]
        constraints = [models.UniqueConstraint(fields=["account_id", "seq"], name="digest_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.seq}"
