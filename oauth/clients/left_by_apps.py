"""Objects that an app created on the site, such as standing orders, and that remain when the user removes the app.

    OAUTH["LEFT_BY_APPS"] = ["banking.orders.left_by_apps.Orders"]

names subclasses of `LeftByApps`. The page that removes an app lists these objects and offers to end them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from oauth.conf import conf


@dataclass(frozen=True, slots=True)
class Left:
    """`sentences` describe the objects and what happens to them. `offer` labels the checkbox that ends them."""

    sentences: str
    offer: str
    #: The form field of the checkbox.
    tick: str = ""


class LeftByApps:
    def find(self, user: Any, client_ids: Collection[str]) -> Mapping[str, Left]:
        """The objects that each of these clients created for the user, by client ID. The number of statements must not
        depend on the number of clients.
        """
        raise NotImplementedError

    def removed(self, user: Any, client_id: str, *, is_ended: bool) -> None:
        """Called in the transaction that removes the app. `is_ended` means that the user ticked the checkbox."""
        raise NotImplementedError


def list_left(user: Any, client_ids: Collection[str]) -> dict[str, list[Left]]:
    """The remaining objects of all kinds, by client ID."""
    found: dict[str, list[Left]] = {}
    for number, kind in enumerate(_kinds()):
        for client_id, left in kind.find(user, client_ids).items():
            found.setdefault(client_id, []).append(Left(left.sentences, left.offer, tick=_tick(number)))
    return found


def removed(user: Any, client_id: str, ticked: Collection[str]) -> None:
    """`ticked` are the names of the checkboxes that the user ticked."""
    for number, kind in enumerate(_kinds()):
        kind.removed(user, client_id, is_ended=_tick(number) in ticked)


def _tick(number: int) -> str:
    return f"end-{number}"


def _kinds() -> list[LeftByApps]:
    return [import_string(path)() for path in conf.LEFT_BY_APPS]
