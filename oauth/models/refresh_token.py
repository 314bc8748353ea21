"""A refresh token (RFC 6749 §6) and its place in the family of an Authorization."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization
from oauth.models.family_secret import FamilySecret
from oauth.models.secret import DigestField


class RefreshToken(models.Model):
    """`superseded_at` and `replaces` record rotation. Change a row only under the lock of its authorization.

    A superseded row goes when its successor is rotated after the retry window; `of_family` finds what is left.
    """

    token_digest = DigestField()
    # Empty if the token has another form: it is of an earlier release or of another server. Then its row stays.
    family_digest = models.BinaryField(max_length=32, null=True, editable=False)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # RFC 9449 §5: a public client's token is bound to its key, `{"jkt": ...}`; then it need not be rotated.
    confirmation = models.JSONField(default=dict, blank=True)
    generation = models.PositiveIntegerField(default=0)
    # No constraint and no index: the row may be gone, and nothing looks for successors.
    replaces = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="successors", db_constraint=False, db_index=False
    )
    # The id of the token that was used twice within the retry window, as long as several branches of it may go on.
    fork = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"

    @classmethod
    def of_family(cls, token: str) -> "RefreshToken | None":
        """The newest token of the family of a superseded `token` whose own row is gone, with authorization, user and
        client. None if it was never issued here."""
        family = FamilySecret.read(token)
        if family is None:
            return None
        rows = cls.objects.select_related("authorization__user", "authorization__client")
        theirs = rows.filter(authorization_id=family.authorization_id, family_digest=family.digest)
        return theirs.order_by("-id").first()
