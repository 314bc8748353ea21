"""A developer's request to staff: to make a new app live, or to accept new values of a live app."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from oauth.models.client import Client

#: The fields whose new values staff must review, because users see them or they define where responses go.
REVIEWED = (
    "name", "redirect_uris", "allowed_scopes", "post_logout_redirect_uris", "backchannel_logout_uri", "client_uri",
    "logo_uri", "policy_uri", "tos_uri",
)  # fmt: skip


class ClientReview(models.Model):
    """`values` has the fields of REVIEWED as staff saw them. An approval writes exactly these values. Rows are kept for
    auditors.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="reviews", db_constraint=False
    )
    values = models.JSONField()
    note = models.TextField(max_length=1000, blank=True, help_text="Note from the developer to the staff.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_constraint=False
    )
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_constraint=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="The developer sees this text.")

    class Meta:
        verbose_name = "review of an app"
        verbose_name_plural = "reviews of apps"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["client"], condition=models.Q(state="open"), name="client_review_one_open"),
            models.CheckConstraint(
                name="client_review_by_another",
                condition=~models.Q(state__in=["approved", "declined"]) | ~models.Q(decided_by=models.F("asked_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.values.get('name') or self.client_id}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    def changes(self) -> list[tuple[str, Any, Any]]:
        """(field, current value, requested value) of each reviewed field that would change."""
        now = values_of(self.client)
        return [(name, now[name], self.values[name]) for name in REVIEWED if now[name] != self.values[name]]


def values_of(client: Client) -> dict[str, Any]:
    """The reviewed values of a client, as JSON."""
    values = {name: getattr(client, name) for name in REVIEWED}
    return {name: list(value) if isinstance(value, tuple | list) else value for name, value in values.items()}
