"""The audit log, for auditors and support: who did what, from where, and with which result. It contains no secrets."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from uuid_utils.compat import uuid7

from oauth.fast_path.model_rows import new_instance
from oauth.infrastructure.rows import insert


@dataclass(frozen=True, slots=True)
class Origin:
    """The endpoint and IP address of a request; both are empty for commands and the background worker."""

    endpoint: str = ""
    address: str | None = None


_LONGEST = {"user": 64, "actor": 64, "client": 255, "error": 60, "error_id": 32, "reason": 1000}
# The default values of an event.
_NOTHING = {"user": "", "actor": "", "client": "", "authorization": None, "error": "", "error_id": "", "reason": ""}
_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039  (frozen)


def current_address() -> str:
    """The IP address of the current request; empty if there is none."""
    return _origin.get().address or ""


class origin:
    """A context manager: events that are recorded inside it have this request's endpoint and address."""

    __slots__ = ("_origin", "_token")

    def __init__(self, endpoint: str, request: HttpRequest) -> None:
        self._origin = Origin(endpoint, request.META.get("REMOTE_ADDR") or None)

    def __enter__(self) -> None:
        self._token = _origin.set(self._origin)

    def __exit__(self, *_: object) -> None:
        _origin.reset(self._token)


def first_id_at(moment: datetime) -> UUID:
    """The lowest ID of an event at that time. IDs are UUIDv7 (RFC 9562 §5.7) and begin with the time in milliseconds,
    so the primary key sorts the log by time, and a period is a range of IDs.
    """
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(0, milliseconds) << 80)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def between(self, since: datetime | None, until: datetime | None) -> "AuditEventQuerySet":
        """Events from `since` (inclusive) until `until` (exclusive). None means no limit."""
        events = self if since is None else self.filter(id__gte=first_id_at(since))
        return events if until is None else events.filter(id__lt=first_id_at(until))


class AuditEvent(models.Model):
    """Append-only: the database refuses to update a row, and to delete one of the last 90 days.

    Users, clients and authorizations are stored by value, so that rows remain after these are deleted.
    """

    class Action(models.TextChoices):
        ASKED = "asked", "A client sent a back-channel request"
        ALLOWED = "allowed", "A user allowed a client"
        DENIED = "denied", "A user declined"
        ISSUED = "issued", "Tokens were issued"
        REFUSED = "refused", "A request was refused"
        REVOKED = "revoked", "An authorization ended"
        LOGGED_IN = "logged_in", "A user logged in"
        LOG_IN_CHANGED = "log_in_changed", "Login methods changed"
        LOGGED_OUT = "logged_out", "A session ended"
        LOGOUT_TOLD = "logout_told", "A client was notified of a logout"
        CLIENT_REGISTERED = "client_registered", "A client was registered"
        CLIENT_CHANGED = "client_changed", "A client was changed"
        CLIENT_DELETED = "client_deleted", "A client was deleted"
        CLIENT_TESTED = "client_tested", "An admin tested a client"
        SANDBOX_USER_MADE = "sandbox_user_made", "A developer created a sandbox user"
        SECRET_ISSUED = "secret_issued", "A client got a new secret"
        SECRET_RETIRED = "secret_retired", "A client's old secret was retired"
        KEY_PUBLISHED = "key_published", "A signing key was published"
        KEY_RETIRED = "key_retired", "A signing key was replaced immediately"
        KEYS_REENCRYPTED = "keys_reencrypted", "Signing keys were re-encrypted"
        STAFF_ACTED = "staff_acted", "A member of staff acted; the endpoint names the action"
        REGISTRATION_TOKEN_MADE = "registration_token_made", "An initial access token was created"
        AUDIT_EXPORTED = "audit_exported", "The audit log was exported"
        IMPORTED = "imported", "Clients and tokens of another server were imported"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=30, choices=Action.choices)
    endpoint = models.CharField(
        max_length=40, blank=True, help_text="The endpoint, the grant type, or the action of staff."
    )
    user = models.CharField(max_length=64, blank=True, help_text="Primary key of the user that the event is about.")
    actor = models.CharField(max_length=64, blank=True, help_text="Primary key of the member of staff who acted.")
    client = models.CharField("client ID", max_length=255, blank=True)
    authorization = models.UUIDField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    error = models.CharField(max_length=60, blank=True, help_text="OAuth error code of a refusal.")
    error_id = models.CharField(max_length=32, blank=True, help_text="The error ID that the client received.")
    reason = models.TextField(blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("export_auditevent", "Can export the audit log")]
        indexes = [
            models.Index(fields=["error_id"], name="audit_error_id", condition=~models.Q(error_id="")),
            models.Index(fields=["user", "-id"], name="audit_user"),
            models.Index(fields=["client", "-id"], name="audit_client"),
            models.Index(fields=["authorization"], name="audit_authorization"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
            # Partial indexes, because only the few events of refusals and staff set these fields.
            models.Index(fields=["error", "-id"], name="audit_error", condition=~models.Q(error="")),
            models.Index(fields=["actor", "-id"], name="audit_actor", condition=~models.Q(actor="")),
        ]

    def __str__(self) -> str:
        return f"{self.action} at {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def unsaved(cls, action: "AuditEvent.Action", **values: Any) -> "AuditEvent":
        """An unsaved event with the origin of the current request."""
        here = _origin.get()
        # Truncate values, because a stranger may send long ones.
        given = {name: str(value)[: _LONGEST[name]] if name in _LONGEST else value for name, value in values.items()}
        if unknown := given.keys() - _NOTHING.keys() - {"endpoint", "address"}:
            raise TypeError(f"An audit event has no {', '.join(sorted(unknown))}.")
        always = {"id": uuid7(), "at": timezone.now(), "action": action}
        values = _NOTHING | always | {"endpoint": here.endpoint, "address": here.address} | given
        return new_instance(cls, values.items())

    @classmethod
    def record(cls, action: "AuditEvent.Action", **values: Any) -> "AuditEvent":
        """Writes the event. Call this in the transaction of the recorded change, so that neither exists alone."""
        event = cls.unsaved(action, **values)
        insert(event)
        return event
