"""Checks whether an account belongs to the payee whom the user names (Confirmation of Payee, Verification of Payee)."""

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from uuid import UUID

from banking.models import Account
from banking.notation import iban

CLOSE = 0.8


@dataclass(frozen=True, slots=True)
class Match:
    """`result` is `match`, `close_match`, `no_match`, or `not_available` for an account at another bank. `name` is set
    only for a close match, because the user then already knows nearly the whole name.
    """

    result: Literal["match", "close_match", "no_match", "not_available"]
    name: str | None = None


def confirm_payee(identifier: str, name: str, *, asked_by: UUID) -> Match:
    """The answer for the user `asked_by`. It reveals nothing to sandbox customers about accounts with real money, and
    nothing to other users about accounts with play money.
    """
    identifier = iban.compact(identifier)
    if not iban.is_ours(identifier):
        return Match("not_available")
    account = Account.objects.select_related("holder").filter(iban=identifier, holder__isnull=False)
    account = account.like_those_of(asked_by)
    holder = next((one.holder for one in account.exclude(status=Account.Status.CLOSED)), None)
    if holder is None:
        return Match("no_match")
    known = holder.get_full_name()
    likeness = SequenceMatcher(None, _plain(name), _plain(known)).ratio()
    if likeness == 1:
        return Match("match")
    return Match("close_match", known) if likeness >= CLOSE else Match("no_match")


def _plain(name: str) -> str:
    """The name without accents, case and punctuation, its words in alphabetical order."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    words = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c)).split()
    return " ".join(sorted(words))
