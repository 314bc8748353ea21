"""Digests of decisions and of closed days, in addition to the chain over the entries."""

from django.db import models


class RecordDigest(models.Model):
    """SHA-256 of one record that never changes again (see the database function `final_records`), written by the first
    `run` of the audit after the record became final. Append-only.
    """

    kind = models.CharField(max_length=21)
    key = models.CharField(max_length=36)
    digest = models.BinaryField()
    run = models.IntegerField()

    class Meta:
        db_table = "record_digest"
        default_permissions = ()
        indexes = [models.Index(fields=["run"], name="record_of_run")]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="record_digest_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
