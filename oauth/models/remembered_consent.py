"""The permissions that a user saw and allowed on one consent page. The same app can get them again without asking."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization


class RememberedConsent(models.Model):
    """Written with the answer to a consent page, and only there. It lasts as long as the authorization it was given
    with, and never longer than the date that the page showed.

    `scopes` and `claims` are what the page showed in full and the user allowed. A scope that an authorization detail
    narrowed is not among them. `about` describes the client and the request as they were shown.
    """

    authorization = models.OneToOneField(
        Authorization,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="remembered_consent",
        db_constraint=False,  # the migration makes a constraint that cascades in the database
    )
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    claims = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    about = models.JSONField(default=dict)
    decided_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"consent of {self.authorization_id}"
