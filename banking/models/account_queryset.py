"""Which accounts a user has, and which of them a token may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from banking.models.role import PAYING, Role
from oauth.fast_path.compiled_query import CompiledQuery

if TYPE_CHECKING:
    from banking.models.account import Account
    from oauth.tokens.access_token import AccessToken


class AccountQuerySet(models.QuerySet["Account"]):
    def of_user(self, user_id: UUID | str, *, may_pay: bool = False) -> "AccountQuerySet":
        """The accounts that a user has access to in any role; with `may_pay`, not those they only read."""
        roles = PAYING if may_pay else [*Role]
        return self.filter(access__user_id=user_id, access__role__in=roles)

    def with_role(self) -> "AccountQuerySet":
        """Of a user's accounts: each with `role`, the user's, and `is_user_active`."""
        # By a dict: mypy would take keywords for a second definition of what Account declares.
        return self.annotate(**{"role": F("access__role"), "is_user_active": F("access__user__is_active")})

    def visible_to(self, token: "AccessToken", action: str = "") -> "AccountQuerySet":
        """The accounts that a token may see. Nothing else decides this.

        They are its user's and, if it carries details (RFC 9396), of these only the ones that the user picked for this
        action. A client that acts for itself has none. An account that is not visible gets the same answer as one that
        does not exist.
        """
        return self._of_token(token, action)

    def rows_visible_to(
        self, token: "AccessToken", action: str, *fields: str, pk: UUID | None = None, after: UUID | None = None,
        limit: int = 1,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """`fields` of the accounts of `visible_to`, by id: the one with this `pk`, or those `after` an id. The SQL is
        compiled once, unless the token names accounts."""
        if token.claims.authorization_details:
            accounts = _narrowed(self.visible_to(token, action), pk, after)
            return list(accounts.values(*fields)[:limit])
        user_id = user_id_of(token)
        if user_id is None:
            return []
        compiled = _compiled(self.model, fields, pk is not None, after is not None)
        rows = compiled.rows({_A_USER: user_id, _A_KEY: pk, _ANOTHER: after}, limit)
        return [dict(zip(fields, row, strict=True)) for row in rows]

    def payable_by(self, token: "AccessToken") -> "AccountQuerySet":
        """The accounts of `visible_to` that the user may also pay from."""
        return self._of_token(token, "", may_pay=True)

    def _of_token(self, token: "AccessToken", action: str, *, may_pay: bool = False) -> "AccountQuerySet":
        user_id = user_id_of(token)
        if user_id is None:
            return self.none()
        return self.of_user(user_id, may_pay=may_pay).named_by(token.claims.authorization_details, action)

    def named_by(self, details: Iterable[Mapping[str, Any]], action: str = "") -> "AccountQuerySet":
        """Those that the user picked in these details (RFC 9396) for this action; all if there are no details.

        A filter on top of ownership, never instead of it.
        """
        return self.filter(self._picked(details, action))

    def _picked(self, details: Iterable[Mapping[str, Any]], action: str) -> Q:
        picked = picked_in(details, action)
        if picked is None:
            return Q()
        named = Q(pk__in=picked.accounts)
        for consent_id in picked.consents:
            named |= Q(pk__in=self.model._default_manager.filter(consents=consent_id).values("pk"))
        return named


@dataclass(frozen=True, slots=True)
class Picked:
    """The accounts that authorization details name, and the consents that name others."""

    accounts: list[UUID]
    consents: list[UUID]


def picked_in(details: Iterable[Mapping[str, Any]], action: str = "") -> Picked | None:
    """What the user picked for this action; None if there are no details, which means all accounts (RFC 9396)."""
    if not details:
        return None
    picked = Picked([], [])
    for detail in details:
        if detail["type"] == "account_information" and (not action or action in detail["actions"]):
            if detail.get("accounts_by") == "consent":
                picked.consents.append(UUID(detail["identifier"]))
            else:
                picked.accounts.extend(UUID(one) for one in detail["accounts"])
        elif detail["type"] == "transfer" and not action:
            picked.accounts.append(UUID(detail["debtor_account"]))
    return picked


def user_id_of(token: "AccessToken") -> UUID | None:
    """None for a client that acts for itself, and for a subject that is no user of this bank."""
    try:
        return UUID(token.claims.user_id or "")
    except ValueError:
        return None


#: Placeholders for the values of a request while the SQL is compiled.
_A_USER, _A_KEY, _ANOTHER = UUID(int=1), UUID(int=2), UUID(int=3)


@cache
def _compiled(model: type["Account"], fields: tuple[str, ...], has_pk: bool, has_after: bool) -> CompiledQuery:
    def build() -> models.QuerySet[Any, Any]:
        accounts = model.objects.of_user(_A_USER)
        return _narrowed(accounts, _A_KEY if has_pk else None, _ANOTHER if has_after else None).values_list(*fields)

    return CompiledQuery(build, (_A_USER, _A_KEY, _ANOTHER))


def _narrowed(accounts: AccountQuerySet, pk: UUID | None, after: UUID | None) -> AccountQuerySet:
    if pk is not None:
        accounts = accounts.filter(pk=pk)
    if after is not None:
        accounts = accounts.filter(pk__gt=after)
    return accounts.order_by("pk")
