"""Details that the server adds if a client requests scopes without details, such as the accounts that the scopes cover.

    OAUTH["DETAILS_OF_SCOPES"] = {"account_access": "banking.consents.account_access.AccountAccess"}

names subclasses of `ScopeDetails`. Clients cannot request them. Once granted, they are ordinary authorization details
(RFC 9396) in tokens, on the page of connected apps and at the API.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth.authorization_details.details_type import Detail, DetailsType
from oauth.authorization_details.registry import of_scopes, types
from oauth.infrastructure.rows import changed


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT of rows that belong to a new authorization. It must select from `given`, which has a row only if the
    authorization is written, and its placeholders must have types, as in `%s::uuid`.
    """

    statement: str
    parameters: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Again:
    """A detail that repeats the limit of an earlier authorization in a new one, and the rows to write with it."""

    detail: Detail
    inserts: Sequence[Insert] = ()


class ScopeDetails(DetailsType):
    """A type of details that limits scopes. `granted` returns None if the user sets no limit."""

    def of_scopes(self, scopes: Iterable[str]) -> Detail | None:
        """The detail that limits these scopes, about which the consent page asks; None if it asks nothing."""
        raise NotImplementedError

    def unlimited(self, scopes: Iterable[str]) -> Detail | None:
        """A detail that does not limit these scopes."""
        raise NotImplementedError

    def limited(self, detail: Detail) -> Iterable[str]:
        """The scopes that a granted detail limits."""
        raise NotImplementedError

    def granted_again(self, detail: Detail, user: Any, client_id: str, scopes: Iterable[str]) -> Again | None:
        """The same limit for these scopes in a new authorization that needs no consent page; None if the detail does
        not limit them. Writes nothing. Raises NotAnswered if nothing that the detail allowed still exists.
        """
        raise NotImplementedError

    def taken_away(self, detail: Detail, user: Any, chosen: Sequence[str]) -> Collection[str]:
        """The values that the user takes away from the app by changing this detail to `chosen`. Call it before
        `changed`.
        """
        return ()

    def without(self, detail: Detail, user: Any, client_id: str, taken: Collection[str]) -> Detail:
        """The same detail without values that the user has taken away on the page of another detail of the app. Runs
        in the caller's transaction.
        """
        return detail


def completed(details: Sequence[Detail], scopes: Iterable[str]) -> tuple[Detail, ...]:
    """The requested details. If there are none, the details that limit the requested scopes, so that the consent page
    asks about them.
    """
    if details:
        return tuple(details)
    scopes = tuple(scopes)
    return tuple(detail for one in _of_scopes() if (detail := one.of_scopes(scopes)) is not None)


def are_of_scopes(details: Iterable[Detail]) -> bool:
    """Whether all of these details are ScopeDetails, which limit scopes and grant none."""
    return all(detail["type"] in of_scopes.values for detail in details)


def limited_by(details: Iterable[Detail]) -> set[str]:
    """The scopes that these details limit."""
    known = types()
    return {
        scope
        for detail in details
        if isinstance(one := known.get(detail["type"]), ScopeDetails)
        for scope in one.limited(detail)
    }


def granted_again(details: Iterable[Detail], user: Any, client_id: str, scopes: Iterable[str]) -> list[Again]:
    """The same limits for a new authorization with these scopes. The caller must write their rows. Raises NotAnswered,
    and KeyError if a detail is not of a ScopeDetails type.
    """
    scopes = tuple(scopes)
    by_name = {name: one for name, one in types().items() if isinstance(one, ScopeDetails)}
    again = [by_name[detail["type"]].granted_again(detail, user, client_id, scopes) for detail in details]
    return [one for one in again if one is not None]


def write(again: Iterable[Again]) -> list[Detail]:
    """Writes the rows and returns the details. Call this in the transaction that writes the authorization."""
    limits = list(again)
    for one in limits:
        for insert in one.inserts:
            changed(f"WITH given AS (SELECT 1) {insert.statement}", insert.parameters)
    return [one.detail for one in limits]


def joined(
    before: tuple[Sequence[str], Sequence[Detail]], added: tuple[Sequence[str], Sequence[Detail]]
) -> list[dict[str, Any]]:
    """Joins the details of a grant with added details. `before` and `added` are pairs of scopes and details.

    Scopes without details have no limit. If only one pair has details, the other gets details without limits, so that
    neither restricts nor extends the other (FAPI Grant Management §5.4, ASVS 5.0 10.7.2).
    """
    if not before[1] and not added[1]:
        return []
    return [dict(detail) for scopes, details in (before, added) for detail in explicit_details(details, scopes)]


def explicit_details(details: Sequence[Detail], scopes: Sequence[str]) -> list[Detail]:
    """The details of a grant. If there are none, details that set no limit for its scopes."""
    if details:
        return list(details)
    return [detail for one in _of_scopes() if (detail := one.unlimited(scopes)) is not None]


def _of_scopes() -> list[ScopeDetails]:
    known: Mapping[str, DetailsType] = types()
    return [one for name in of_scopes.values if isinstance(one := known[name], ScopeDetails)]
