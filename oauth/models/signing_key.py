"""A key that signs tokens. The private part is encrypted at rest; the times in the row define its state."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

# How long an ID token of a retired key is still accepted as a hint: longer than an app keeps a user logged in.
HINTS_KEPT = timedelta(days=400)
# How long a key that stops signing in an emergency stays published. By then, all processes of the site have read that
# it signs no more, even if the clocks of their hosts differ by seconds. So no token that they sign is refused.
EMERGENCY_GRACE = timedelta(seconds=10)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys in the JWK Set: those that sign, will sign, or have signed tokens that may still be valid."""
        at = at or timezone.now()
        return self.filter(published_at__lte=at).filter(Q(retired_at=None) | Q(retired_at__gt=at))

    def of_hints(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys whose ID tokens still identify a user, long after they have expired (RP-Initiated Logout §4).

        Keys that were replaced in an emergency are left out; they retired just after they stopped signing.
        """
        at = at or timezone.now()
        kept = self.exclude(retired_at__lte=at - HINTS_KEPT)
        return kept.filter(published_at__lte=at).exclude(retired_at__lte=models.F("retiring_at") + EMERGENCY_GRACE)

    def that_signed(self, *, at: datetime, slack: timedelta) -> "SigningKeyQuerySet":
        """The keys that may have signed at that time. A process may use a replaced key for `slack` longer."""
        return self.filter(active_at__lte=at).filter(Q(retiring_at=None) | Q(retiring_at__gte=at - slack))

    def active(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys that may sign now, the newest first."""
        at = at or timezone.now()
        return (
            self.published(at=at)
            .filter(active_at__lte=at)
            .filter(Q(retiring_at=None) | Q(retiring_at__gt=at))
            .order_by("-active_at")
        )


class SigningKey(models.Model):
    """published_at -> active_at (signs) -> retiring_at (verifies only) -> retired_at (gone from the JWKS).

    After that the public part stays, to read hints and to verify what is kept for years; the private part is deleted.
    """

    kid = models.CharField("key ID", max_length=43, unique=True, help_text="RFC 7638 thumbprint of the public key.")
    algorithm = models.CharField(max_length=10)
    public_jwk = models.JSONField()
    #: Empty if the key is in a store, or deleted.
    private_key_encrypted = models.BinaryField(editable=False)
    store = models.CharField(
        max_length=30,
        blank=True,
        default="",
        db_default="",
        help_text="The store of the private key: a name in KEY_STORES. Empty: this database.",
    )
    #: How the store finds the private key; empty if it is deleted.
    reference = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField()
    active_at = models.DateTimeField()
    retiring_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        permissions = [("rotate_signingkey", "Can rotate and replace signing keys")]
        constraints = [
            models.CheckConstraint(
                name="signing_key_times_in_order",
                condition=Q(active_at__gte=models.F("published_at"))
                & (Q(retired_at=None) | Q(retiring_at__isnull=False, retired_at__gte=models.F("retiring_at"))),
            )
        ]

    def __str__(self) -> str:
        return self.kid

    def signs_at(self, at: datetime) -> bool:
        """Whether this key signs at that time. The key must be published."""
        return self.active_at <= at and (self.retiring_at is None or self.retiring_at > at)

    @property
    def state(self) -> str:
        """published, active, retiring or retired, as of now."""
        now = timezone.now()
        if self.retired_at and self.retired_at <= now:
            return "retired"
        if self.retiring_at and self.retiring_at <= now:
            return "retiring"
        return "active" if self.active_at <= now else "published"
