"""Details that the server adds if a client requests scopes without details: which of the user's accounts these scopes
cover.

    OAUTH["DETAILS_OF_SCOPES"] = {"account_access": "banking.consents.account_access.AccountAccess"}

names subclasses of `ScopeDetails`. Once granted they are authorization details like any other (RFC 9396): in the
tokens, on the page of connected apps, at the API. A client cannot request them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth.authorization_details.details_type import Detail, DetailsType
from oauth.authorization_details.registry import of_scopes, types
from oauth.infrastructure.rows import changed


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT of rows that belong to a new authorization, and its parameters. It selects from `given`, which has a
    row if the authorization is written and none otherwise. Each placeholder has a type, as in `%s::uuid`."""

    statement: str
    parameters: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Again:
    """A detail that limits a new authorization as an earlier one was limited, and the rows to write with it."""

    detail: Detail
    inserts: Sequence[Insert] = ()


class ScopeDetails(DetailsType):
    """`granted` returns None if the user limits nothing. The scopes then have their full meaning."""

    def of_scopes(self, scopes: Iterable[str]) -> Detail | None:
        """The question of the consent page about these scopes; None if there is none."""
        raise NotImplementedError

    def unlimited(self, scopes: Iterable[str]) -> Detail | None:
        """The detail that has the same meaning as these scopes without a detail."""
        raise NotImplementedError

    def limited(self, detail: Detail) -> Iterable[str]:
        """The scopes that a granted detail limits."""
        raise NotImplementedError

    def granted_again(self, detail: Detail, user: Any, client_id: str, scopes: Iterable[str]) -> Again | None:
        """The same limit for these scopes, in a new authorization without a consent page; None if the detail is not
        about them. Writes nothing. Raises NotAnswered if none of the accounts or other things is left.
        """
        raise NotImplementedError


def completed(details: Sequence[Detail], scopes: Iterable[str]) -> tuple[Detail, ...]:
    """The details of a request. A request without details gets the ones that limit its scopes, so that the consent
    page asks about them.
    """
    if details:
        return tuple(details)
    scopes = tuple(scopes)
    return tuple(detail for one in _of_scopes() if (detail := one.of_scopes(scopes)) is not None)


def are_of_scopes(details: Iterable[Detail]) -> bool:
    """Whether each of these details limits scopes, and none grants any."""
    return all(detail["type"] in of_scopes.values for detail in details)


def limited_by(details: Iterable[Detail]) -> set[str]:
    """The scopes that were allowed only as far as these details say."""
    known = types()
    return {
        scope
        for detail in details
        if isinstance(one := known.get(detail["type"]), ScopeDetails)
        for scope in one.limited(detail)
    }


def granted_again(details: Iterable[Detail], user: Any, client_id: str, scopes: Iterable[str]) -> list[Again]:
    """The same limits for a new authorization with these scopes. The caller writes the rows of each. Raises
    NotAnswered, and KeyError for a detail of another kind."""
    scopes = tuple(scopes)
    by_name = {name: one for name, one in types().items() if isinstance(one, ScopeDetails)}
    again = [by_name[detail["type"]].granted_again(detail, user, client_id, scopes) for detail in details]
    return [one for one in again if one is not None]


def write(again: Iterable[Again]) -> list[Detail]:
    """Writes the rows, in the transaction that writes the authorization. Returns the details."""
    limits = list(again)
    for one in limits:
        for insert in one.inserts:
            changed(f"WITH given AS (SELECT 1) {insert.statement}", insert.parameters)
    return [one.detail for one in limits]


def joined(
    before: tuple[Sequence[str], Sequence[Detail]], added: tuple[Sequence[str], Sequence[Detail]]
) -> list[dict[str, Any]]:
    """Joins the details of a grant with details that are added to it; each side is its scopes and its details.

    A side without details has no limit. If only one side has details, the other side gets details that say "no limit".
    Then neither side narrows or widens the other (FAPI Grant Management §5.4, ASVS 5.0 10.7.2).
    """
    if not before[1] and not added[1]:
        return []
    return [dict(detail) for scopes, details in (before, added) for detail in in_words(details, scopes)]


def in_words(details: Sequence[Detail], scopes: Sequence[str]) -> list[Detail]:
    """The details of a grant. A grant without details gets the ones that say that its scopes have no limit."""
    if details:
        return list(details)
    return [detail for one in _of_scopes() if (detail := one.unlimited(scopes)) is not None]


def _of_scopes() -> list[ScopeDetails]:
    known: Mapping[str, DetailsType] = types()
    return [one for name in of_scopes.values if isinstance(one := known[name], ScopeDetails)]
