"""Test users of a developer: they may allow this developer's apps, before the review too, and no other app."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from oauth.models.client import Client


class SandboxUser(models.Model):
    """A trigger of the database enforces this for each authorization (migration 0045). The row lives as long as its
    user, so that a sandbox user never becomes an ordinary one. Without its owner, it may allow no app at all."""

    # No constraints: the previous release deletes users without knowing this table.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="sandbox_users", db_constraint=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    # When the owner becomes active again, only these users do, too. Others were deactivated for another reason.
    is_deactivated_with_owner = models.BooleanField(default=False, db_default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user_id)

    @classmethod
    def may_allow(cls, client: Client, user_pk: Any) -> bool:
        """Whether this user, of a sandbox or not, may allow this client. The trigger authorization_sandbox_apart
        enforces the same rule; asking before gives the user a page instead of an error."""
        box = cls.objects.filter(user=user_pk).first()
        if box is None:
            return client.is_live
        return box.owner_id is not None and box.owner_id == client.user_id
