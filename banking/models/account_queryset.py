"""Decides which accounts a user has, and which of them a token may access."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import F, Q, Value

from banking.models.expressions import IsOneOf
from banking.models.role import PAYING, Role
from banking.models.sandbox_customer import SandboxCustomer
from banking.notation.currencies import PLAY_MONEY
from oauth.fast_path.compiled_query import CompiledQuery

if TYPE_CHECKING:
    from banking.models.account import Account
    from oauth.tokens.access_token import AccessToken


#: An action of an app on accounts -> the scopes that allow the action; one of them is enough.
SCOPES_OF_ACTIONS = {
    "accounts": frozenset({"accounts:read", "accounts:detail"}),
    "balances": frozenset({"balances:read"}),
    "transactions": frozenset({"transactions:read"}),
    "statements": frozenset({"statements:read"}),
    "transfers": frozenset({"transfers:read"}),
    "payments": frozenset({"transfers:write"}),
    "funds": frozenset({"funds:confirm"}),
    "direct_debits": frozenset({"direct-debits:read"}),
    "cancellations": frozenset({"direct-debits:write"}),
}
SCOPES_OF_ACCOUNTS = frozenset().union(*SCOPES_OF_ACTIONS.values())
#: The type of details that say which accounts the scopes of an app cover (`banking.consents.account_access`).
ACCOUNT_ACCESS = "account_access"


class AccountQuerySet(models.QuerySet["Account"]):
    def of_user(self, user_id: UUID | str, *, may_pay: bool = False) -> "AccountQuerySet":
        """The accounts that a user has access to in any role; with `may_pay`, without those that the user may only
        view.
        """
        roles = PAYING if may_pay else [*Role]
        return self.filter(access__user_id=user_id, access__role__in=roles)

    def like_those_of(self, user_id: UUID | str) -> "AccountQuerySet":
        """Accounts with play money for a sandbox customer, with real money for any other user."""
        is_sandbox = SandboxCustomer.objects.filter(user_id=user_id).exists()
        return self.filter(currency=PLAY_MONEY) if is_sandbox else self.exclude(currency=PLAY_MONEY)

    def with_role(self) -> "AccountQuerySet":
        """A user's accounts, each with the user's `role` and with `is_user_active`."""
        # Passed as a dict, because mypy would report keywords as a second definition of Account's fields.
        return self.annotate(**{"role": F("access__role"), "is_user_active": F("access__user__is_active")})

    def visible_to(self, token: "AccessToken", action: str = "") -> "AccountQuerySet":
        """The accounts that a token may access; this is the only code that decides it. They are the accounts of the
        token's user or, if the token has details (RFC 9396), only those that the user picked for this action. A client
        that acts for itself has none. For an account that is not visible, the API responds as for one that does not
        exist.
        """
        return self._of_token(token, action)

    def rows_visible_to(
        self, token: "AccessToken", action: str, *fields: str, pk: UUID | None = None, after: UUID | None = None,
        limit: int = 1,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """`fields` of the accounts of `visible_to`, ordered by id: only the account with this `pk`, or the accounts
        whose id is greater than `after`. The SQL is compiled once for each combination of arguments.
        """
        user_id = user_id_of(token)
        if user_id is None:
            return []
        picked = picked_in(token.claims.authorization_details, action)
        given: dict[UUID, Any] = {_A_USER: user_id}
        if pk is not None:
            given[_A_KEY] = pk
        if after is not None:
            given[_ANOTHER] = after
        if picked is not None:
            given[_ACCOUNTS] = picked.accounts
            if picked.consents:
                given[_CONSENTS] = picked.consents
        rows = _compiled(self.model, fields, frozenset(given)).rows(given, limit)
        return [dict(zip(fields, row, strict=True)) for row in rows]

    def decided_for(self, alias: str) -> "AccountQuerySet":
        """These accounts, for use in a query of the given database. They are read from the primary, because a replica
        may not have replayed the end of an access yet. For a replica, this takes one query.
        """
        if alias == DEFAULT_DB_ALIAS:
            return self
        return self.model.objects.filter(pk__in=list(self.order_by().values_list("pk", flat=True)))

    def payable_by(self, token: "AccessToken", action: str = "payments") -> "AccountQuerySet":
        """The accounts of `visible_to` that the user may also pay from."""
        return self._of_token(token, action, may_pay=True)

    def _of_token(self, token: "AccessToken", action: str, *, may_pay: bool = False) -> "AccountQuerySet":
        user_id = user_id_of(token)
        if user_id is None:
            return self.none()
        return self.of_user(user_id, may_pay=may_pay).named_by(token.claims.authorization_details, action)

    def named_by(self, details: Iterable[Mapping[str, Any]], action: str = "") -> "AccountQuerySet":
        """The accounts that the user picked in these details (RFC 9396) for this action; all accounts if there are no
        details.

        This filter applies in addition to ownership, never instead of it.
        """
        picked = picked_in(details, action)
        if picked is None:  # also if one of the details means all accounts
            return self
        return self._among(picked.accounts, picked.consents)

    def _among(self, accounts: Any, consents: Any) -> "AccountQuerySet":
        """The accounts with one of these ids, and the accounts of these consents. Both arguments are arrays of ids, or
        placeholders for them; `consents` may be empty.
        """
        named = Q(IsOneOf(F("pk"), Value(accounts)))
        if consents:
            of_consents = self.model._default_manager.filter(IsOneOf(F("consents"), Value(consents)))
            named |= Q(pk__in=of_consents.values("pk"))
        return self.filter(named)


@dataclass(frozen=True, slots=True)
class Picked:
    """The accounts that authorization details name, and the consents that have further accounts."""

    accounts: list[UUID]
    consents: list[UUID]


def picked_in(details: Iterable[Mapping[str, Any]], action: str = "") -> Picked | None:
    """The accounts that the user picked for this action (one of SCOPES_OF_ACTIONS), or for any action if it is empty.
    None means all accounts: there are no details, or one of them covers all accounts (RFC 9396).
    """
    if not details:
        return None
    picked = Picked([], [])
    for detail in details:
        if not _is_about(detail, action):
            continue
        match detail.get("accounts_by"):
            case "user":
                return None
            case "consent":
                picked.consents.append(UUID(detail["identifier"]))
            case _:
                named = [detail["debtor_account"]] if detail["type"] == "transfer" else detail["accounts"]
                picked.accounts.extend(UUID(one) for one in named)
    return picked


def _is_about(detail: Mapping[str, Any], action: str) -> bool:
    """Whether the detail covers the action. Details of an unknown type allow nothing."""
    match detail["type"]:
        case "account_access":
            return not action or not SCOPES_OF_ACTIONS[action].isdisjoint(detail["scopes"])
        case "account_information":
            # An action that covers an account's transactions also covers its transfers. Payments need their own scope.
            return action in ("", "payments") or _READ_AS.get(action, action) in detail["actions"]
        case "transfer":
            return action in ("", "payments")
        case _:
            return False


_READ_AS = {
    "transfers": "transactions",
    "funds": "balances",
    "direct_debits": "transactions",
    "cancellations": "transactions",
}


def user_id_of(token: "AccessToken") -> UUID | None:
    """The id of the token's user; None for a client that acts for itself, and for a subject that is not a user of this
    bank.
    """
    try:
        return UUID(token.claims.user_id or "")
    except ValueError:
        return None


#: Placeholders for the values of a request while the SQL is compiled.
_A_USER, _A_KEY, _ANOTHER, _ACCOUNTS, _CONSENTS = (UUID(int=number) for number in range(1, 6))


@cache
def _compiled(model: type["Account"], fields: tuple[str, ...], given: frozenset[UUID]) -> CompiledQuery:
    """`given` has placeholders for the arguments that the call has."""

    def build() -> models.QuerySet[Any, Any]:
        accounts = model.objects.of_user(_A_USER)
        if _ACCOUNTS in given:
            accounts = accounts._among(_ACCOUNTS, _CONSENTS if _CONSENTS in given else None)
        pk, after = (one if one in given else None for one in (_A_KEY, _ANOTHER))
        return _narrowed(accounts, pk, after).values_list(*fields)

    return CompiledQuery(build, tuple(given))


def _narrowed(accounts: AccountQuerySet, pk: UUID | None, after: UUID | None) -> AccountQuerySet:
    if pk is not None:
        accounts = accounts.filter(pk=pk)
    if after is not None:
        accounts = accounts.filter(pk__gt=after)
    return accounts.order_by("pk")
