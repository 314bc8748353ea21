"""The interface through which the site defines its developer portal.

    OAUTH["DEVELOPERS"] = "bank.developers.Developers"

names a subclass of `Developers`. Without it there is no developer portal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from oauth.conf import conf
from oauth.models import Client


@dataclass(frozen=True, slots=True)
class Link:
    """A page that the site adds to the portal. `text` describes it in one sentence."""

    title: str
    url: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A new sandbox user. The developer sees `login` and `password`, the latter only once."""

    user: Any
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Owned:
    """An object that a sandbox user owns on the site, such as an account with its balance."""

    title: str
    text: str


class Developers:
    """Subclass this. By default, the portal has no sandbox and no additional pages."""

    def why_not(self, user: Any) -> str:
        """The reason why this user may not register apps, shown on the page; empty if they may. The site must require a
        verified email.
        """
        raise NotImplementedError

    @property
    def has_sandbox(self) -> bool:
        return False

    def make_user(self, name: str) -> NewUser:
        """Creates a user with data that apps can read. The caller makes it a sandbox user in the same transaction."""
        raise NotImplementedError

    def new_password(self, user: Any) -> str:
        """Replaces the password of a sandbox user. Returns the new one."""
        raise NotImplementedError

    def login_of(self, user: Any) -> str:
        return str(user.get_username())

    def owned_by(self, users: Sequence[Any]) -> Mapping[Any, Sequence[Owned]]:
        """Primary key of each sandbox user -> the user's objects."""
        return {}

    def fill_up(self, user: Any) -> None:
        """Resets the data of a sandbox user, such as play money."""

    def links(self) -> Sequence[Link]:
        """Additional pages in the portal's navigation, such as guides or an API reference."""
        return ()

    def links_of_app(self, client: Client) -> Sequence[Link]:
        """Additional pages about one app. Each must check `own_app`."""
        return ()


def developers() -> Developers | None:
    """None if this site has no developer portal."""
    if not conf.DEVELOPERS:
        return None
    made: Developers = import_string(conf.DEVELOPERS)()
    return made
