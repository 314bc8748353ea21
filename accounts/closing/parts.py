"""Each package's part in closing a user account."""

from collections.abc import Iterable
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

#: What the user must do first, in the language of the page, and the path of the page for it, or "".
Obstacle = tuple[str, str]


class Part(Protocol):
    def obstacles(self, user_id: UUID) -> Iterable[Obstacle]:
        """The reasons why the user account cannot be closed now."""

    def leave(self, user_id: UUID, email: str) -> Iterable[Obstacle]:
        """Ends and erases the user's objects in the caller's transaction. The caller rolls back if any part returns an
        obstacle.
        """

    def keeps_records(self, user_id: UUID) -> bool:
        """Whether the site must by law keep the identity of this user."""


@cache
def _parts(paths: tuple[str, ...]) -> tuple[Part, ...]:
    return tuple(import_string(path)() for path in paths)


def parts() -> tuple[Part, ...]:
    return _parts(tuple(settings.CLOSING_PARTS))


def keeps_records(user_id: UUID) -> bool:
    return any(part.keeps_records(user_id) for part in parts())
