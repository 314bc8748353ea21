"""Sandbox users, which a developer creates for their own apps."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from oauth.clients.self_service import sent_twice
from oauth.clients.self_service.host import NewUser, developers
from oauth.models import AuditEvent, SandboxUser

#: Enough for, say, two payers, a payee and a user who denies the app.
MOST_USERS = 5


class TooMany(Exception):
    """The developer already has MOST_USERS sandbox users."""


def users_of(owner: Any) -> "QuerySet[SandboxUser]":
    return SandboxUser.objects.filter(owner=owner.pk).select_related("user").order_by("created_at", "pk")


@transaction.atomic
def make_user(owner: Any, name: str, form_key: str = "") -> NewUser:
    """A form that was sent before (`sent_twice`) gives the user that it made, with a new password. Raises TooMany."""
    host = developers()
    assert host is not None
    # Lock the owner's row, so that two parallel requests cannot both create the last allowed user.
    get_user_model()._default_manager.select_for_update(of=("self",)).get(pk=owner.pk)
    made_before = sent_twice.made_before(form_key)
    if made_before and (box := users_of(owner).filter(pk=made_before).first()):
        return NewUser(box.user, host.login_of(box.user), host.new_password(box.user))
    if users_of(owner).count() >= MOST_USERS:
        raise TooMany
    made = host.make_user(name)
    box = SandboxUser.objects.create(user=made.user, owner=owner)
    sent_twice.remember(form_key, box.pk)
    AuditEvent.record(AuditEvent.Action.SANDBOX_USER_MADE, user=made.user.pk, actor=owner.pk)
    return made
