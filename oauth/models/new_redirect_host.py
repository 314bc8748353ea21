"""A new host in the redirect URIs of a client in use: one admin requests it, another approves it.

Codes are sent to this host, so no admin may add it alone (OAUTH["SECOND_ADMIN_FOR_REDIRECT_HOSTS"]).
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone

from oauth.models.audit_event import AuditEvent
from oauth.models.client import Client, validate_redirect_uri


class NewRedirectHost(models.Model):
    """Rows are kept after the decision for auditors."""

    # No foreign key constraints: the previous release lacks this table, and must be able to delete clients and
    # users.
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.CASCADE,
        related_name="new_redirect_hosts",
        db_constraint=False,
    )
    redirect_uris = models.TextField("redirect URIs", help_text="The redirect URIs to add, one per line.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_constraint=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    is_approved = models.BooleanField(default=False)

    class Meta:
        verbose_name = "new redirect host"
        constraints = [
            models.CheckConstraint(
                name="new_redirect_host_needs_two",
                condition=models.Q(is_approved=False) | ~models.Q(decided_by=models.F("asked_by")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.client}: {' '.join(self.redirect_uris.split())}"

    def approve(self, by: Any) -> None:
        """Adds the URIs. Raises PermissionDenied if `by` is the requester, if the requester may no longer change
        clients, or if the request was already decided.
        """
        with transaction.atomic():
            pending = self._pending()
            # The requester may have been deleted; then nobody can show that the approver is somebody else.
            requester = pending.asked_by
            if requester is None or requester.pk == by.pk:
                raise PermissionDenied("Another admin must approve a new redirect host.")
            # ASVS 5.0 8.3.2. A disabled user has no permissions.
            if not requester.has_perm("oauth.change_client"):
                raise PermissionDenied(
                    "The admin who asked for this may no longer change clients. Reject it; somebody else can ask again."
                )
            client = Client.objects.select_for_update(of=("self",)).get(pk=pending.client_id)
            known = client.redirect_uris.split()
            added = [uri for uri in pending.redirect_uris.split() if uri not in known]
            for uri in added:
                validate_redirect_uri(uri, kind=client.kind)
            client.redirect_uris = "\n".join([*known, *added])
            client.changed_by = by
            client.save(update_fields=["redirect_uris", "updated"])
            self._decide(pending, by, is_approved=True)

    def reject(self, by: Any) -> None:
        """The requester, too, may reject (withdraw) the request."""
        with transaction.atomic():
            self._decide(self._pending(), by, is_approved=False)

    def _pending(self) -> "NewRedirectHost":
        pending = type(self).objects.select_for_update(of=("self",)).filter(pk=self.pk, decided_at=None).first()
        if pending is None:
            raise PermissionDenied("This request was already decided.")
        return pending

    def _decide(self, pending: "NewRedirectHost", by: Any, *, is_approved: bool) -> None:
        pending.decided_by, pending.decided_at, pending.is_approved = by, timezone.now(), is_approved
        pending.save(update_fields=["decided_by", "decided_at", "is_approved"])
        verdict = "approved" if is_approved else "rejected"
        AuditEvent.record(
            AuditEvent.Action.CLIENT_CHANGED,
            client=pending.client.client_id,
            actor=by.pk,
            reason=f"{verdict} new redirect URIs: {' '.join(pending.redirect_uris.split())}",
        )
        self.refresh_from_db()
