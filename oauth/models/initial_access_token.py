"""An initial access token (RFC 7591 §1.2): who may register clients without an admin, and until when."""

from django.db import models
from django.utils import timezone

from oauth.models.secret import DigestField, digest


class InitialAccessToken(models.Model):
    token_digest = DigestField()
    note = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.note or f"initial access token {self.pk}"

    @classmethod
    def is_valid(cls, token: str) -> bool:
        return cls.objects.filter(token_digest=digest(token), expires_at__gt=timezone.now()).exists()
