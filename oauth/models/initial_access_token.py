"""An initial access token (RFC 7591 §1.2), with which clients can be registered without an admin until it expires."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.client import SecurityProfile, authentication, grant_types
from oauth.models.secret import DigestField, digest


class InitialAccessToken(models.Model):
    """The lists are the ceiling of the registered clients (`clients.registration.ceiling`). An empty list means the
    safe default in its help text.
    """

    token_digest = DigestField()
    note = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    scopes = ArrayField(
        models.CharField(max_length=100),
        null=True,
        blank=True,
        help_text="The scopes that clients registered with this token may request. Empty means openid profile email "
        "offline_access.",
    )
    grant_types = ArrayField(
        models.CharField(max_length=60, choices=grant_types.choices),
        null=True,
        blank=True,
        help_text=(
            "The grant types that these clients may use. Empty means authorization_code and refresh_token. CIBA, token "
            "exchange and implicit cannot be allowed here."
        ),
    )
    authentication_methods = ArrayField(
        models.CharField(max_length=30, choices=authentication.choices),
        null=True,
        blank=True,
        help_text="The methods with which these clients may authenticate. Empty means all methods of this server.",
    )
    security_profiles = ArrayField(
        models.CharField(max_length=30, choices=SecurityProfile.choices),
        null=True,
        blank=True,
        help_text="The security profiles that these clients may have. Empty means all.",
    )
    authorization_details_types = ArrayField(
        models.CharField(max_length=100),
        null=True,
        blank=True,
        help_text="Types of authorization_details that these clients may request. Empty means none.",
    )
    allowed_resources = ArrayField(
        models.URLField(max_length=255),
        null=True,
        blank=True,
        help_text="APIs for which these clients may request tokens. Empty means all.",
    )

    def __str__(self) -> str:
        return self.note or f"initial access token {self.pk}"

    @classmethod
    def find(cls, token: str) -> "InitialAccessToken | None":
        return cls.objects.filter(token_digest=digest(token), expires_at__gt=timezone.now()).first()
