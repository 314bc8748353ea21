"""An import from django-oauth-toolkit: its progress and its clients."""

from django.db import models
from django.utils import timezone

from oauth.models.client import Client


class DotImport(models.Model):
    """Each batch is written in the transaction that updates `position`, so that an import can stop at any time and
    continue. Lock the row first, so that no batch is written twice.
    """

    source = models.CharField(max_length=200, unique=True)
    # A digest of the options and the mapping, because an import must continue with the same ones.
    plan = models.CharField(max_length=64)
    # {"old scope": ["new scope"]}, for clients that still use DOT's URLs and the old names.
    scopes = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Lifetimes are computed from this time.
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # {"step": [last primary key read, whether the step is done]}
    position = models.JSONField(default=dict)
    # {"result of a row": number of rows}
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.source


class ImportedClient(models.Model):
    """An imported client and the primary key of its application in the source. Tokens of an application are imported
    only for this client, never for another one with the same client ID.
    """

    client = models.OneToOneField(Client, on_delete=models.CASCADE, primary_key=True, related_name="imported")
    dot_import = models.ForeignKey(DotImport, on_delete=models.CASCADE, related_name="clients")
    source_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dot_import", "source_id"], name="imported_client_once")]

    def __str__(self) -> str:
        return f"client {self.client_id}"
