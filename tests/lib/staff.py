"""Staff of the admin for tests: by role, or with every permission to look and no other."""

from uuid import uuid4

from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser

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
    """Who may look at everything and do nothing."""
    person = staff()
    person.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return person


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def officer(name, *rights) -> User:
    """One of the bank's staff, who may look at everything of the bank and do what is named."""
    user = User.objects.create_user(f"{name}@bank.test", "correct-horse-battery", is_staff=True)
    views = Permission.objects.filter(content_type__app_label="banking", codename__startswith="view_")
    user.user_permissions.set([*views, *Permission.objects.filter(codename__in=rights)])
    return user
