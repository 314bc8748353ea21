"""Staff for tests of the admin: with a role, or with all view permissions and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.contrib.auth import middleware
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser

from accounts import second_factors
from accounts.browsers.session_store import SessionStore
from accounts.models import User
from oauth.conf import conf
from oauth.staff.roles import ROLES

EVERY_ROLE = sorted({*ROLES, *conf.ADMIN_ROLES, "superuser"})


def staff(role: str = "") -> User:
    person = User.objects.create_user(f"{uuid4().hex}@example.test", "correct-horse-battery", is_staff=True)
    if role == "superuser":
        person.is_superuser = True
        person.save()
    elif role:
        person.groups.add(Group.objects.get(name=role))
    return person


def looker() -> User:
    """A member of staff who may view everything and change nothing."""
    person = staff()
    person.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return person


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


@contextmanager
def logins_kept() -> Iterator[None]:
    """For tests that send hundreds of requests as the same user: reads the session, the user and the permissions from
    the database once, instead of in each request.
    """
    rows: dict[str | None, Any] = {}
    users: dict[str | None, Any] = {}
    factors: dict[Any, Any] = {}
    read_row, read_user, read_factors = SessionStore._get_session_from_db, middleware.get_user, second_factors.types_of

    def row_of(store: Any) -> Any:
        key = store.session_key
        if row := rows.get(key) or read_row(store):
            rows[key] = row
        return row

    def user_of(request: Any) -> Any:
        key = request.session.session_key
        if key not in users:
            users[key] = read_user(request)
        request._cached_user = users[key]
        return users[key]

    def factors_of(user: Any) -> Any:
        if user.pk not in factors:
            factors[user.pk] = read_factors(user)
        return factors[user.pk]

    with (
        patch.object(SessionStore, "_get_session_from_db", row_of),
        patch.object(middleware, "get_user", user_of),
        patch.object(second_factors, "types_of", factors_of),
    ):
        yield


def officer(name, *rights) -> User:
    """A member of the bank's staff, who may view everything of the bank and has the given permissions."""
    user = User.objects.create_user(f"{name}@bank.test", "correct-horse-battery", is_staff=True)
    views = Permission.objects.filter(content_type__app_label="banking", codename__startswith="view_")
    user.user_permissions.set([*views, *Permission.objects.filter(codename__in=rights)])
    return user
