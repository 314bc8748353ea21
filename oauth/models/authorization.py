"""The permissions that a user gave a client. Revoking an authorization ends all its codes and tokens."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone
from uuid_utils.compat import uuid7

from oauth.models.audit_event import AuditEvent
from oauth.models.session import Session
from oauth.models.status import next_status_index

# Sent in the transaction that revokes authorizations, with `authorizations`, [(id, user id, client id)], and `reason`.
authorizations_revoked = Signal()

# Sent in the transaction in which a user allows a client, with the new `authorization`. Not sent if an earlier decision
# is repeated without a page.
authorization_granted = Signal()

# Sent in the transaction in which the cleanup deletes revoked authorizations, before it deletes them, with `apps`,
# {(user id, client id)}.
authorizations_forgotten = Signal()

# The scope for access that continues after logout.
OFFLINE_ACCESS = "offline_access"


class AuthorizationQuerySet(models.QuerySet["Authorization"]):
    def live(self, *, at: datetime | None = None) -> "AuthorizationQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=at or timezone.now())

    def revoke(self, reason: "Authorization.RevocationReason", *, by: Any = None) -> int:
        """Ends the authorizations, including their codes and refresh tokens. Idempotent.

        A database trigger sets their bits in the status list.
        """
        now = timezone.now()
        with transaction.atomic(using=self.db):
            live = self.filter(revoked_at=None).select_for_update(of=("self",))
            ended = list(live.values_list("pk", "user_id", "client__client_id"))
            self.model.objects.filter(pk__in=[pk for pk, _, _ in ended]).update(
                revoked_at=now, revocation_reason=reason, revoked_by=by
            )
            AuditEvent.objects.bulk_create(
                [
                    AuditEvent.unsaved(
                        AuditEvent.Action.REVOKED, user=user, client=client, authorization=pk, reason=reason.label,
                        actor=by.pk if by else "",
                    )
                    for pk, user, client in ended
                ]
            )  # fmt: skip
            authorizations_revoked.send(sender=self.model, authorizations=ended, reason=reason)
        return len(ended)

    def online(self) -> "AuthorizationQuerySet":
        """The authorizations that end with their session (OpenID Connect Core §11)."""
        return self.exclude(scopes__contains=[OFFLINE_ACCESS])


class Authorization(models.Model):
    """Created when a user allows a client. The row is the lock for all its codes and refresh tokens.

    Lock this row before you consume a code or a refresh token. The lock shows every committed revocation, so that no
    token is issued after one.
    """

    class RevocationReason(models.TextChoices):
        USER = "user", "The user removed the app"
        ADMIN = "admin", "An admin revoked the authorization"
        CLIENT = "client", "The client ended the authorization"
        CODE_REPLAY = "code_replay", "An authorization code was used twice"
        REFRESH_REPLAY = "refresh_replay", "A refresh token was used twice"
        LOGOUT = "logout", "The session ended"
        PASSWORD = "password", "The user's password was changed"
        ADDRESS = "address", "The user's email address was replaced"
        DEACTIVATED = "deactivated", "The user or the client was deactivated"
        CLIENT_CHANGED = "client_changed", "The client has changed since the user allowed it"
        NOTHING_LEFT = "nothing_left", "The user lost access to everything that the authorization covered"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="authorizations")
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="authorizations"
    )
    session = models.ForeignKey(Session, on_delete=models.SET_NULL, null=True, related_name="authorizations")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # How the user had logged in, for every token of this authorization (RFC 9068 §2.2.1).
    auth_time = models.DateTimeField(default=timezone.now)
    acr = models.CharField(max_length=100, blank=True)
    amr = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    # OpenID Connect Core §5.5: the individually requested claims, {"id_token": [...], "userinfo": [...]}.
    claims = models.JSONField(default=dict, blank=True)
    # RFC 9396 §7.1: the details as granted, enriched.
    authorization_details = models.JSONField(default=list, blank=True)
    #: Whether the authorization repeats an earlier decision without a page, so that it has no decision of its own.
    is_repeat = models.BooleanField(default=False, db_default=False, editable=False)
    status_index = models.BigIntegerField(unique=True, editable=False, db_default=next_status_index())
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_reason = models.CharField(max_length=20, choices=RevocationReason.choices, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "client"], name="authorization_live", condition=models.Q(revoked_at=None)),
            # Only authorizations that may have a decision. Repeated ones are not in the index.
            models.Index(
                fields=["user", "client"],
                name="authorization_decided",
                condition=models.Q(revoked_at=None, is_repeat=False),
            ),
            models.Index(fields=["expires_at"], name="authorization_expiry"),
            models.Index(
                fields=["revoked_at"], name="authorization_revoked", condition=models.Q(revoked_at__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="authorization_revoked_for_a_reason",
                condition=models.Q(revoked_at=None) ^ ~models.Q(revocation_reason=""),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def ended_at(self) -> datetime:
        """When the authorization ended, or when it will expire."""
        return min(self.revoked_at or self.expires_at, self.expires_at)

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def revoke(self, reason: RevocationReason, *, by: Any = None) -> None:
        type(self).objects.filter(pk=self.pk).revoke(reason, by=by)
