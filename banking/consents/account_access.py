"""Details of type `account_access`: which accounts the scopes of an app cover, if the app requested no details (RFC
9396). Registered with the authorization server by OAUTH["DETAILS_OF_SCOPES"]; a client cannot request them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from banking.consents.granting import (
    accounts_in_detail,
    choice_of,
    consent_to,
    ids_in_detail,
    number_of,
    open_accounts,
    open_or_kept,
    picked_accounts,
    still_shared,
    store_consent,
    way_to_an_account,
)
from banking.models import Account, Consent
from banking.models.account_queryset import ACCOUNT_ACCESS, SCOPES_OF_ACCOUNTS
from oauth.authorization_details import Again, Choice, Detail, NotAnswered, Question, ScopeDetails, Summary

#: The choice “All accounts, also future ones”.
ALL_ACCOUNTS = "all"


class AccountAccess(ScopeDetails):
    """Granted: `{"type": "account_access", "scopes": [...], "identifier": ...}` with `accounts`, or with `accounts_by`:
    `consent` if they are too many for a token, `user` if all accounts of the user count, also future ones.

    Without such a detail, the scopes of a token cover all accounts of its user.
    """

    schema = {"not": {}}

    def of_scopes(self, scopes: Iterable[str]) -> Detail | None:
        about = sorted(SCOPES_OF_ACCOUNTS.intersection(scopes))
        return {"type": ACCOUNT_ACCESS, "scopes": about} if about else None

    def unlimited(self, scopes: Iterable[str]) -> Detail | None:
        detail = self.of_scopes(scopes)
        return {**detail, "accounts_by": "user"} if detail else None

    def limited(self, detail: Detail) -> Iterable[str]:
        return [*detail["scopes"]]

    def question(self, detail: Detail, user: Any) -> Question:
        """The user's existing accounts are preselected; the choice “All accounts, also future ones” is not."""
        accounts = list(open_accounts(user))
        return _question(accounts, ticked=[str(account.pk) for account in accounts])

    def summary(self, detail: Detail) -> Summary:
        if detail.get("accounts_by") == "user":
            return Summary(_("Your accounts"), [_("all accounts, also future ones")])
        accounts = Account.objects.filter(consents=detail["identifier"]).order_by("opened_at", "id")
        picked = [(account.name, number_of(account)) for account in accounts]
        return Summary(_("Accounts that you picked"), [] if picked else [_("no account")], picked)

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any] | None:
        if ALL_ACCOUNTS in chosen:
            return None
        nothing = _("Pick at least one account, or choose Deny.")
        return self._limited_to(self._accounts(open_accounts(user), chosen, nothing), detail, user, client_id)

    def granted_again(self, detail: Detail, user: Any, client_id: str, scopes: Iterable[str]) -> Again | None:
        about = [one for one in detail["scopes"] if one in set(scopes)]
        if not about:
            return None
        if detail.get("accounts_by") == "user":
            return Again({**detail, "scopes": about})
        account_ids = still_shared(UUID(detail["identifier"]), user)
        if not account_ids and Account.objects.filter(consents=detail["identifier"]).exists():
            raise NotAnswered
        again = {"type": ACCOUNT_ACCESS, "scopes": about, **ids_in_detail(account_ids)}
        granted, inserts = consent_to(again, user, client_id, account_ids)
        return Again(granted, inserts)

    def question_again(self, detail: Detail, user: Any) -> Question:
        if detail.get("accounts_by") == "user":
            return _question(open_or_kept(user, None), ticked=[ALL_ACCOUNTS])
        picked = Account.objects.filter(consents=detail["identifier"]).values_list("pk", flat=True)
        return _question(open_or_kept(user, detail["identifier"]), ticked=[str(pk) for pk in picked])

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """The choice of all accounts is stored in the detail itself, not by removing the detail: a grant whose last
        detail is removed may have had other details before.
        """
        about = {"type": ACCOUNT_ACCESS, "scopes": detail["scopes"]}
        if ALL_ACCOUNTS in chosen:
            return {**about, "accounts_by": "user"}
        among = open_or_kept(user, detail.get("identifier"))
        accounts = self._accounts(among, chosen, _("Pick at least one account, or remove the app."))
        return self._changed_to(accounts, detail, user, client_id)

    def taken_away(self, detail: Detail, user: Any, chosen: Sequence[str]) -> Collection[str]:
        """Includes ALL_ACCOUNTS if the app had all accounts, also future ones."""
        if ALL_ACCOUNTS in chosen:
            return ()
        has_all = detail.get("accounts_by") == "user"
        had = open_or_kept(user, None) if has_all else Account.objects.filter(consents=detail["identifier"])
        taken = {str(pk) for pk in had.values_list("pk", flat=True)}.difference(chosen)
        return taken | {ALL_ACCOUNTS} if has_all else taken

    def without(self, detail: Detail, user: Any, client_id: str, taken: Collection[str]) -> Detail:
        has_all = detail.get("accounts_by") == "user"
        has = list(open_or_kept(user, None) if has_all else Account.objects.filter(consents=detail["identifier"]))
        remaining = [account for account in has if str(account.pk) not in taken]
        if not taken or (len(remaining) == len(has) and not has_all):
            return detail
        return self._changed_to(remaining, detail, user, client_id)

    def _changed_to(self, accounts: list[Account], detail: Detail, user: Any, client_id: str) -> dict[str, Any]:
        about = {"type": ACCOUNT_ACCESS, "scopes": detail["scopes"]}
        if "identifier" not in detail:
            return self._limited_to(accounts, about, user, client_id)
        changed = {**about, "identifier": detail["identifier"], **accounts_in_detail(accounts)}
        consent = Consent.objects.get(pk=detail["identifier"], user=user, client_id=client_id)
        consent.detail = changed
        consent.save(update_fields=["detail"])
        consent.accounts.set(accounts)
        return changed

    def _accounts(self, among: QuerySet[Account], chosen: Sequence[str], or_else: str) -> list[Account]:
        """The picked accounts. Raises NotAnswered. A user without an account picks none; the app then gets access to
        none.
        """
        if not chosen and not among.exists():
            return []
        return picked_accounts(among, chosen, or_else=or_else)

    def _limited_to(self, accounts: list[Account], about: Detail, user: Any, client_id: str) -> dict[str, Any]:
        detail = {"type": ACCOUNT_ACCESS, "scopes": about["scopes"], **accounts_in_detail(accounts)}
        return store_consent(detail, user, client_id, accounts)


def _question(accounts: Iterable[Account], *, ticked: Sequence[str]) -> Question:
    choices = [choice_of(account, is_ticked=str(account.pk) in ticked) for account in accounts]
    everything = Choice(
        ALL_ACCOUNTS,
        _("All accounts, also future ones"),
        is_ticked=ALL_ACCOUNTS in ticked,
        is_everything=True,
    )
    return Question(
        title=_("Your accounts"),
        prompt=_("Which accounts?"),
        choices=[*choices, everything],
        takes_several=True,
        way_to_choices=way_to_an_account(),
    )
