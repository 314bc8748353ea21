"""What a user saw and allowed on a consent page, and what the same client can get again without a page."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization


class RememberedConsent(models.Model):
    """Written only together with the answer on a consent page. Lasts as long as its authorization, but not longer than
    the date that the page showed.

    `scopes` and `claims` are those that the user allowed without limits; a scope limited by an authorization detail is
    not included. `about` describes the client and the request as shown.
    """

    authorization = models.OneToOneField(
        Authorization,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="remembered_consent",
        db_constraint=False,  # the migration creates a constraint with ON DELETE CASCADE
    )
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    claims = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    about = models.JSONField(default=dict)
    decided_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"consent of {self.authorization_id}"
