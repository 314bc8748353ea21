"""The type of an advice rule, and the list of all rules."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oauth.models import Client

_MOVES = (":write", ":manage")


class Level(models.TextChoices):
    UNSAFE = "unsafe", _("Unsafe")
    WEAK = "weak", _("Could be safer")
    KNOW = "know", _("Good to know")


@dataclass(frozen=True)
class Advice:
    """A finding, the reason why it matters, and its fix. `source` is the section of the specification."""

    level: Level
    what: str | Promise
    why: str | Promise
    instead: str | Promise
    source: str
    field: str = ""


Rule = Callable[[Client], Advice | None]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def moves_something(client: Client) -> bool:
    """Whether one of the client's scopes changes something, such as money."""
    return any(scope.endswith(_MOVES) for scope in client.allowed_scopes)
