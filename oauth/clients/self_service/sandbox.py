"""Sandbox users: made by a developer, for the developer's own apps only."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from oauth.clients.self_service.host import NewUser, developers
from oauth.models import AuditEvent, SandboxUser

#: Enough for two users who pay, one who is paid, and one who denies the app.
MOST_USERS = 5


class TooMany(Exception):
    """The developer has as many as the site allows."""


def users_of(owner: Any) -> "QuerySet[SandboxUser]":
    return SandboxUser.objects.filter(owner=owner.pk).select_related("user").order_by("created_at", "pk")


@transaction.atomic
def make_user(owner: Any, name: str) -> NewUser:
    """Raises TooMany."""
    host = developers()
    assert host is not None
    # The lock of the owner's row makes two requests run one after the other, so that they cannot both make the last
    # one.
    get_user_model()._default_manager.select_for_update(of=("self",)).get(pk=owner.pk)
    if users_of(owner).count() >= MOST_USERS:
        raise TooMany
    made = host.make_user(name)
    SandboxUser.objects.create(user=made.user, owner=owner)
    AuditEvent.record(AuditEvent.Action.SANDBOX_USER_MADE, user=made.user.pk, actor=owner.pk)
    return made
