"""The bits of the Token Status List (draft-ietf-oauth-status-list), for revoked tokens.

Every Authorization and every client (for client_credentials) has an index from one sequence. List n has the indexes
from n * STATUS_LIST_SIZE. Each set bit is a separate row, so that it remains when its authorization or client is
deleted.
"""

from django.db import models
from django.db.models import Func
from django.utils import timezone


def next_status_index() -> Func:
    """The next number of a sequence, which PostgreSQL never returns twice."""
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
