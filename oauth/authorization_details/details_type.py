"""The class that an app subclasses for each type of authorization details, and what it shows to users."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that the user may tick. `hint` tells it apart from others, for example by the last digits of an account
    number."""

    value: str
    label: str
    hint: str = ""
    is_ticked: bool = False
    #: A figure such as the balance of an account. It is shown at the end of the line, with its digits aligned to those
    #: of other lines.
    amount: str = ""
    #: Whether it means all choices, including future ones.
    is_everything: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The view of a detail that the user sees. It must say exactly what is enforced (ASVS 5.0 10.7.2)."""

    title: str
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    #: The most important fact, in large letters: the amount of a payment.
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Question(Summary):
    """A summary on the consent page, with choices where the user may pick."""

    prompt: str = ""
    choices: Sequence[Choice] = ()
    takes_several: bool = False
    #: The text of the button that allows it, such as “Pay £12.50”; empty for “Allow”.
    button: str = ""
    #: Whether it allows only a single action, so that there is nothing to revoke later.
    is_once: bool = False
    #: Information for the user before the decision: (kind, text). The kind is `good`, `warn` or `bad`.
    notice: tuple[str, str] | None = None
    #: A page of this site where the user can create something to pick, if there is nothing: (text, URL).
    way_to_choices: tuple[str, str] | None = None


class NotAnswered(ValueError):
    """The user's choice is not possible. The text says what to do; it is shown to the user."""


class DetailsType:
    """The definition of one type of details, by a Django app. `schema` is a closed JSON Schema (2020-12) of the whole
    object.
    """

    schema: ClassVar[Mapping[str, Any]]

    def check(self, detail: Detail) -> None:
        """Raises ValueError for rules that the schema cannot express."""

    def scopes(self, detail: Detail) -> Iterable[str]:
        """The scopes that the detail needs. They are granted with it, to a client that may have them. The API limits
        them to what the detail says, so the consent page shows the detail instead of the scopes."""
        return ()

    def lifetime(self, detail: Detail) -> timedelta | None:
        """The longest time for which the detail may be used; None for no limit of its own."""
        return None

    def question(self, detail: Detail, user: Any) -> Question:
        """The question of the consent page about a requested detail."""
        raise NotImplementedError

    def summary(self, detail: Detail) -> Summary:
        """A granted detail, for the page where the user can take it back."""
        raise NotImplementedError

    def question_again(self, detail: Detail, user: Any) -> Question | None:
        """The parts of a granted detail that the user may change; None if there are none."""
        return None

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """The granted detail with the user's new choice. Runs in the caller's transaction. Raises NotAnswered."""
        raise NotImplementedError

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any] | None:
        """The detail as the user allowed it, enriched (RFC 9396 §7.1). Runs in the transaction that writes the
        authorization, and may write rows of its own there. Raises NotAnswered."""
        raise NotImplementedError
