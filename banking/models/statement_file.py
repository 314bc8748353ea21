"""A statement that is too long for a response, so the background worker makes a file."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account


class StatementFile(models.Model):
    """Only its user may read the file, and only while they have access to the account."""

    class Form(models.TextChoices):
        JSON = "json", "JSON"
        CSV = "csv", "CSV"
        SPREADSHEET = "spreadsheet", "CSV for a spreadsheet of the user's language"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="statement_files")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="statement_files")
    #: The app that asked for the file; empty if the user asked in the web bank, who then gets an email when the file is
    #: ready.
    client_id = models.CharField(max_length=255, blank=True)
    #: A digest of the content and the form of the file. Two requests with the same digest share a file.
    identity = models.CharField(max_length=64)
    form = models.CharField(max_length=11, choices=Form.choices)
    #: The first day of the month; None for a statement of other days.
    month = models.DateField(null=True)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    #: The language of a SPREADSHEET.
    language = models.CharField(max_length=20, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    #: The name in the storage; empty until the file is complete.
    name = models.CharField(max_length=100, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    made_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "statement_file"
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="statement_file_expires")]
        constraints = [
            models.UniqueConstraint(fields=["user", "client_id", "identity"], name="statement_file_once"),
            models.CheckConstraint(
                name="statement_file_complete",
                condition=Q(name="", size_bytes=None, made_at=None)
                | (Q(size_bytes__isnull=False, made_at__isnull=False) & ~Q(name="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.begins_at:%Y-%m-%d}"

    @property
    def is_ready(self) -> bool:
        return bool(self.name)

    @property
    def last_moment(self) -> datetime:
        """`ends_at` is exclusive."""
        return self.ends_at - timedelta(microseconds=1)
