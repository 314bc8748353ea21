"""An import from django-oauth-toolkit: its progress, and the clients that it made."""

from django.db import models
from django.utils import timezone

from oauth.models.client import Client


class DotImport(models.Model):
    """Each batch of rows is written in the transaction that moves `position`, so that an import can stop anywhere and
    continue. Lock the row first, so that no batch is written twice."""

    source = models.CharField(max_length=200, unique=True)
    # A digest of all options and mappings, because an import must continue with the same ones.
    plan = models.CharField(max_length=64)
    # {"old scope": ["scope here"]}: clients that keep DOT's addresses also keep the old names.
    scopes = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Limits of lifetimes count from this time.
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # {"step": [last primary key read, whether the step is done]}
    position = models.JSONField(default=dict)
    # {"result of a row": number of rows}
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.source


class ImportedClient(models.Model):
    """A client that an import made, and the primary key of its row in the source. Tokens of an application are adopted
    only for the client that was made from it, never for another one with the same client ID."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, primary_key=True, related_name="imported")
    dot_import = models.ForeignKey(DotImport, on_delete=models.CASCADE, related_name="clients")
    source_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dot_import", "source_id"], name="imported_client_once")]

    def __str__(self) -> str:
        return f"client {self.client_id}"
