"""Fixtures: staff of each role, in their browsers."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client as Browser

from accounts.models import User


@pytest.fixture
def of_role(db: None) -> Callable[[str], Browser]:
    """Returns the browser of a user who has only this role. An empty name means staff without a role."""

    def log_in(role: str) -> Browser:
        person = User.objects.create_user(f"{uuid4().hex}@example.test", "correct-horse-battery", is_staff=True)
        if role:
            person.groups.add(Group.objects.get(name=role))
        browser = Browser()
        browser.force_login(person)
        return browser

    return log_in


@pytest.fixture(autouse=True)
def _panels_are_drawn_anew(db: None) -> None:
    cache.clear()
