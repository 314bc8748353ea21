"""The base class of each type of authorization details, and the data that it shows to users."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """An option that the user may tick, such as an account. `hint` distinguishes it from others, such as the last
    digits of the account number.
    """

    value: str
    label: str
    hint: str = ""
    is_ticked: bool = False
    #: A number such as the balance of an account, right-aligned at the end of the line.
    amount: str = ""
    #: Whether this option stands for all options, including future ones.
    is_everything: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """A detail as shown to the user. It must say exactly what is enforced (ASVS 5.0 10.7.2)."""

    title: str
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    #: The most important fact, such as the amount of a payment, in large letters.
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Question(Summary):
    """A summary on the consent page, with options from which the user may choose."""

    prompt: str = ""
    choices: Sequence[Choice] = ()
    takes_several: bool = False
    #: The label of the button that allows the detail, such as “Pay £12.50”. Empty means “Allow”.
    button: str = ""
    #: Whether the detail allows a single action, so that nothing can be revoked later.
    is_once: bool = False
    #: A notice above the decision: (kind, text). The kind is `good`, `warn` or `bad`.
    notice: tuple[str, str] | None = None
    #: If there are no options, a page where the user can create one: (text, URL).
    way_to_choices: tuple[str, str] | None = None


class NotAnswered(ValueError):
    """The user's choice is invalid. The message is shown to the user and must say what to do."""


class DetailsType:
    """Defines one type of details. `schema` is a JSON Schema (2020-12) of the whole object, without additional
    properties.
    """

    schema: ClassVar[Mapping[str, Any]]

    def check(self, detail: Detail) -> None:
        """Checks rules that the schema cannot express. Raises ValueError."""

    def scopes(self, detail: Detail) -> Iterable[str]:
        """The scopes that the detail needs. They are granted together with the detail if the client may have them. The
        API must limit them to what the detail allows, so the consent page shows only the detail.
        """
        return ()

    def lifetime(self, detail: Detail) -> timedelta | None:
        """The longest time for which the detail may be used; None if the type sets no limit."""
        return None

    def question(self, detail: Detail, user: Any) -> Question:
        """The question that the consent page asks about a requested detail."""
        raise NotImplementedError

    def summary(self, detail: Detail) -> Summary:
        """The summary of a granted detail, for the page where the user can revoke it."""
        raise NotImplementedError

    def question_again(self, detail: Detail, user: Any) -> Question | None:
        """The question with which the user may change a granted detail; None if nothing can be changed."""
        return None

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """The granted detail after the user has changed it. Runs in the caller's transaction. Raises NotAnswered."""
        raise NotImplementedError

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any] | None:
        """The detail as granted by the user, enriched (RFC 9396 §7.1). Runs in the transaction that writes the
        authorization, and may write additional rows. Raises NotAnswered.
        """
        raise NotImplementedError
