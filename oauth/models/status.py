"""The bits of the Token Status List (draft-ietf-oauth-status-list): the tokens that have ended early.

Every Authorization, and every client acting for itself, has an index from one sequence; list n holds the indexes
from n * STATUS_LIST_SIZE on. Each set bit is a row of its own, so that it stays set when its authorization or client is
deleted.
"""

from django.db import models
from django.db.models import Func
from django.utils import timezone


def next_status_index() -> Func:
    """The next number of a sequence: PostgreSQL gives each number once, also to parallel transactions."""
    return Func(
        function="nextval", template="%(function)s('oauth_status_index')", output_field=models.BigIntegerField()
    )


class RevokedStatus(models.Model):
    index = models.BigIntegerField(primary_key=True)
    revoked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["revoked_at"], name="revoked_status_age")]

    def __str__(self) -> str:
        return str(self.index)
