"""A client's OpenID Connect options: subject type, defaults, logout and CIBA."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class SubjectType(models.TextChoices):
    """OpenID Connect Core §8: which `sub` identifies a user to the client."""

    PUBLIC = "public", "Public: the same for every app"
    PAIRWISE = "pairwise", "Pairwise: a different one for every app"


class DeliveryMode(models.TextChoices):
    """CIBA §5: how a client learns that the user has decided. Push is not supported, because FAPI-CIBA §5.2.2 forbids
    it.
    """

    POLL = "poll", "Poll: the client asks repeatedly"
    PING = "ping", "Ping: the client is notified, then asks"


class HasOpenIDConnect(models.Model):
    subject_type = models.CharField(max_length=8, choices=SubjectType.choices, default=SubjectType.PUBLIC)
    sector_identifier_uri = models.CharField(max_length=255, blank=True)
    default_max_age = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="The user must log in again if the last login was more than this many seconds ago.",
    )
    default_acr_values = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    backchannel_logout_uri = models.CharField(
        "back-channel logout URI",
        max_length=255,
        blank=True,
        help_text="The URL that receives a logout token when a user logs out.",
    )
    backchannel_logout_session_required = models.BooleanField(default=False)
    id_token_at_refresh = models.BooleanField(
        "ID token at each refresh",
        default=True,
        db_default=True,
        help_text="OpenID Connect Core §12.2. Some clients read the user only from the ID token.",
    )
    user_claims_in_id_token = models.BooleanField(
        "user claims in the ID token",
        default=False,
        db_default=False,
        help_text="OpenID Connect Core §5.4: name and email are in UserInfo. Tick this for clients that never call "
        "UserInfo, such as Kubernetes and Auth.js. The ID token then also has the claims of the scopes profile and "
        "email.",
    )
    backchannel_token_delivery_mode = models.CharField(
        "CIBA mode", max_length=4, choices=DeliveryMode.choices, default=DeliveryMode.POLL
    )
    backchannel_client_notification_endpoint = models.CharField(
        "CIBA notification endpoint",
        max_length=255,
        blank=True,
        help_text="For ping mode: the server notifies this URL when the user has decided.",
    )

    class Meta:
        abstract = True
