"""The site's decisions about developers.

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
    """A user that the site has just made. `login` and `password` are shown to the developer; the password only once."""

    user: Any
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Owned:
    """An object of a sandbox user at the site, such as an account with its balance."""

    title: str
    text: str


class Developers:
    """Each method answers one question of the portal. The defaults offer no sandbox and no further pages."""

    def why_not(self, user: Any) -> str:
        """Why this user may not register apps, as a sentence for the page; empty if they may. The site must require a
        verified email."""
        raise NotImplementedError

    @property
    def has_sandbox(self) -> bool:
        return False

    def make_user(self, name: str) -> NewUser:
        """A new user for a sandbox, with data that apps can read. The caller marks it as a sandbox user in the same
        transaction."""
        raise NotImplementedError

    def new_password(self, user: Any) -> str:
        """Replaces the password of a sandbox user. Returns the new one."""
        raise NotImplementedError

    def login_of(self, user: Any) -> str:
        return str(user.get_username())

    def owned_by(self, users: Sequence[Any]) -> Mapping[Any, Sequence[Owned]]:
        """The objects of sandbox users, by primary key."""
        return {}

    def fill_up(self, user: Any) -> None:
        """Gives a sandbox user their initial data again, such as play money."""

    def links(self) -> Sequence[Link]:
        """More pages in the navigation of the portal: guides, the reference of an API."""
        return ()

    def links_of_app(self, client: Client) -> Sequence[Link]:
        """More pages about one app of the developer. Each must check `own_app` itself."""
        return ()


def developers() -> Developers | None:
    """None if this site has no portal."""
    if not conf.DEVELOPERS:
        return None
    made: Developers = import_string(conf.DEVELOPERS)()
    return made
