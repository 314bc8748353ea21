"""Each package's part in closing a user account."""

from collections.abc import Iterable
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

#: What must be done first, in words of the page's language, and the path of the page where it is done, or "".
Obstacle = tuple[str, str]


class Part(Protocol):
    def obstacles(self, user_id: UUID) -> Iterable[Obstacle]:
        """The reasons why the user account cannot be closed now."""

    def leave(self, user_id: UUID, email: str) -> Iterable[Obstacle]:
        """Ends and erases the user's objects, in the caller's transaction. If anything is in the way, the caller rolls
        back.
        """

    def keeps_records(self, user_id: UUID) -> bool:
        """Whether the law requires the identity of this user after they have left."""


@cache
def _parts(paths: tuple[str, ...]) -> tuple[Part, ...]:
    return tuple(import_string(path)() for path in paths)


def parts() -> tuple[Part, ...]:
    return _parts(tuple(settings.CLOSING_PARTS))


def keeps_records(user_id: UUID) -> bool:
    return any(part.keeps_records(user_id) for part in parts())
