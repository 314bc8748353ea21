"""A signing key. The private key is encrypted at rest; the times in the row define the key's state."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

# How long an ID token of a retired key is accepted as a hint: longer than an app keeps a user logged in.
HINTS_KEPT = timedelta(days=400)
# How long a key stays published after it was replaced in an emergency. By then, all processes of the site have read the
# change, even if their clocks differ by seconds, so no token that they have just signed is refused.
EMERGENCY_GRACE = timedelta(seconds=10)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys in the JWK Set: those that sign, will sign, or have signed tokens that may be valid."""
        at = at or timezone.now()
        return self.filter(published_at__lte=at).filter(Q(retired_at=None) | Q(retired_at__gt=at))

    def of_hints(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys whose ID tokens are accepted as hints, even long after expiry (RP-Initiated Logout §4).

        Excludes keys that were replaced in an emergency, which retired just after they stopped signing.
        """
        at = at or timezone.now()
        kept = self.exclude(retired_at__lte=at - HINTS_KEPT)
        return kept.filter(published_at__lte=at).exclude(retired_at__lte=models.F("retiring_at") + EMERGENCY_GRACE)

    def that_signed(self, *, at: datetime, slack: timedelta) -> "SigningKeyQuerySet":
        """The keys that may have signed at that time. A process may still use a replaced key for `slack`."""
        return self.filter(active_at__lte=at).filter(Q(retiring_at=None) | Q(retiring_at__gte=at - slack))

    def active(self, *, at: datetime | None = None) -> "SigningKeyQuerySet":
        """The keys that may sign, newest first."""
        at = at or timezone.now()
        return (
            self.published(at=at)
            .filter(active_at__lte=at)
            .filter(Q(retiring_at=None) | Q(retiring_at__gt=at))
            .order_by("-active_at")
        )


class SigningKey(models.Model):
    """published_at -> active_at (signs) -> retiring_at (only verifies) -> retired_at (no longer in the JWK Set).

    After that, the private key is deleted. The public key is kept for hints and for verifying long-term signatures.
    """

    kid = models.CharField("key ID", max_length=43, unique=True, help_text="RFC 7638 thumbprint of the public key.")
    algorithm = models.CharField(max_length=10)
    public_jwk = models.JSONField()
    #: Empty if the private key is in a store or deleted.
    private_key_encrypted = models.BinaryField(editable=False)
    store = models.CharField(
        max_length=30,
        blank=True,
        default="",
        db_default="",
        help_text="The store of the private key: a name in KEY_STORES, or empty for this database.",
    )
    #: Identifies the private key in the store; empty if it is deleted.
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
        """Whether this published key signs at that time."""
        return self.active_at <= at and (self.retiring_at is None or self.retiring_at > at)

    @property
    def state(self) -> str:
        """The current state: published, active, retiring or retired."""
        now = timezone.now()
        if self.retired_at and self.retired_at <= now:
            return "retired"
        if self.retiring_at and self.retiring_at <= now:
            return "retiring"
        return "active" if self.active_at <= now else "published"
