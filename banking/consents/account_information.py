"""Details of type `account_information` (RFC 9396): which accounts an app reads. Registered with the authorization
server by OAUTH["AUTHORIZATION_DETAILS_TYPES"]."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils import formats
from django.utils.dateparse import parse_date, parse_duration
from django.utils.translation import gettext as _

from banking.consents.granting import (
    ACCOUNT_ID,
    LOCATIONS,
    accounts_in_detail,
    choice_of,
    closed_object,
    number_of,
    open_accounts,
    open_or_kept,
    picked_accounts,
    store_consent,
    way_to_an_account,
)
from banking.models import Account, Consent
from oauth.authorization_details import Detail, DetailsType, Question, Summary

ACCOUNT_INFORMATION = "account_information"
_SCOPES_OF_ACTIONS = {
    "accounts": "accounts:read",
    "balances": "balances:read",
    "transactions": "transactions:read",
    "statements": "statements:read",
}


class AccountInformation(DetailsType):
    """Read access to accounts that the user picks.

    Requested: `{"type": "account_information", "actions": [...], "valid_for": "P90D", "history_from": "2026-01-01"}`.
    Granted, it also has `identifier`, and either `accounts` or `"accounts_by": "consent"`.
    """

    schema = closed_object(
        ("type", "actions"),
        type={"const": ACCOUNT_INFORMATION},
        actions={"type": "array", "items": {"enum": list(_SCOPES_OF_ACTIONS)}, "minItems": 1, "uniqueItems": True},
        locations=LOCATIONS,
        valid_for={"type": "string", "pattern": r"^P[1-9][0-9]{0,3}D\Z"},
        history_from={"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"},
        # A hint: the accounts to preselect.
        accounts={"type": "array", "items": ACCOUNT_ID, "minItems": 1, "uniqueItems": True},
    )

    def check(self, detail: Detail) -> None:
        if "history_from" in detail and _day(detail) is None:
            raise ValueError("history_from must be a date (YYYY-MM-DD).")

    def scopes(self, detail: Detail) -> Iterable[str]:
        return [_SCOPES_OF_ACTIONS[action] for action in detail["actions"]]

    def lifetime(self, detail: Detail) -> timedelta | None:
        return parse_duration(detail["valid_for"]) if "valid_for" in detail else None

    def question(self, detail: Detail, user: Any) -> Question:
        accounts = list(open_accounts(user))
        hints = detail.get("accounts") or [str(account.pk) for account in accounts]
        return _question(detail, accounts, ticked=hints)

    def summary(self, detail: Detail) -> Summary:
        accounts = Account.objects.filter(consents=detail["identifier"]).order_by("opened_at", "id")
        picked = [(account.name, number_of(account)) for account in accounts]
        return Summary(_("See accounts that you picked"), _sentences(detail), [*picked, *_history(detail)])

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        nothing = _("Pick at least one account, or choose Deny.")
        accounts = picked_accounts(open_accounts(user), chosen, or_else=nothing)
        return store_consent(_with_accounts(detail, accounts), user, client_id, accounts)

    def question_again(self, detail: Detail, user: Any) -> Question:
        picked = Account.objects.filter(consents=detail["identifier"]).values_list("pk", flat=True)
        return _question(detail, open_or_kept(user, detail["identifier"]), ticked=[str(pk) for pk in picked])

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        nothing = _("Pick at least one account, or remove the app.")
        accounts = picked_accounts(open_or_kept(user, detail["identifier"]), chosen, or_else=nothing)
        changed = _with_accounts(detail, accounts)
        consent = Consent.objects.get(pk=detail["identifier"], user=user, client_id=client_id)
        consent.detail = changed
        consent.save(update_fields=["detail"])
        consent.accounts.set(accounts)
        return changed


def _question(detail: Detail, accounts: Iterable[Account], *, ticked: Sequence[str]) -> Question:
    return Question(
        title=_("See accounts that you pick"),
        sentences=_sentences(detail),
        facts=_history(detail),
        prompt=_("Which accounts?"),
        choices=[choice_of(account, is_ticked=str(account.pk) in ticked) for account in accounts],
        takes_several=True,
        way_to_choices=way_to_an_account(),
    )


def _with_accounts(detail: Detail, accounts: list[Account]) -> dict[str, Any]:
    kept = {name: value for name, value in detail.items() if name not in ("accounts", "accounts_by")}
    return kept | accounts_in_detail(accounts)


def _sentences(detail: Detail) -> list[str]:
    sentences = {
        "accounts": _("names and kinds of the accounts, with their numbers partly hidden"),
        "balances": _("how much money is in them"),
        "transactions": _("what came in and went out"),
        "statements": _("their monthly statements"),
    }
    return [sentences[action] for action in detail["actions"]]


def _history(detail: Detail) -> list[tuple[str, str]]:
    day = _day(detail)
    return [(_("History since"), formats.date_format(day))] if day else []


def _day(detail: Detail) -> date | None:
    try:
        return parse_date(detail.get("history_from", ""))
    except ValueError:
        return None
