"""Test users of a developer, who may allow only this developer's apps, even before a review."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from oauth.models.client import Client


class SandboxUser(models.Model):
    """A database trigger enforces this for each authorization (migration 0045). The row is kept as long as its user, so
    that a sandbox user never becomes an ordinary one. If the developer is deleted, the sandbox user may allow no app.
    """

    # No foreign key constraints: the previous release lacks this table, and must be able to delete users.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="sandbox_users", db_constraint=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    # Only these users are reactivated together with the owner; others were deactivated for another reason.
    is_deactivated_with_owner = models.BooleanField(default=False, db_default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user_id)

    @classmethod
    def may_allow(cls, client: Client, user_pk: Any) -> bool:
        """Whether this user, who may be a sandbox user or not, may allow this client. The trigger
        authorization_sandbox_apart enforces the same rule; with this check, the user gets a page instead of an error.
        """
        box = cls.objects.filter(user=user_pk).first()
        if box is None:
            return client.is_live
        return box.owner_id is not None and box.owner_id == client.user_id
