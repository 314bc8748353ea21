"""People of each role, in their browsers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client as Browser

from accounts.models import User
from oauth.models import AuditEvent
from oauth.models.audit_event import first_id_at


@pytest.fixture
def admin_browser(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    return browser


@pytest.fixture
def of_role(db: None) -> Callable[[str], Browser]:
    """The browser of somebody who has this role and no other; empty: staff without one."""

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


def event_at(at: datetime, action: str = "issued", **values: Any) -> AuditEvent:
    """An event of that moment, as the server would have written it then."""
    return AuditEvent.objects.create(
        id=UUID(int=first_id_at(at).int | (uuid4().int >> 60)), at=at, action=action, **values
    )
