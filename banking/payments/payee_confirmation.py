"""Checks whether an account belongs to the payee whom the user names (Confirmation of Payee, Verification of Payee)."""

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from uuid import UUID

from banking.models import Account, AccountAccess
from banking.models.role import HOLDING
from banking.notation import iban

CLOSE = 0.8
# Canonical combining classes (Unicode, 4.3).
#: Those of overlays, and of the vowel points of Hebrew and Arabic.
_POINTS = frozenset({1, *range(10, 36)})
#: The first one of marks that are above, below or attached to a letter.
_FIRST_ACCENT = 200
_APOSTROPHES = "'’ʼ`´"


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
    account = Account.objects.filter(iban=identifier).exclude(status=Account.Status.CLOSED)
    account = account.like_those_of(asked_by)
    holding = AccountAccess.objects.filter(account__in=account, role__in=HOLDING).select_related("user")
    # A joint account belongs to each of its holders.
    names = [one.user.get_full_name() for one in holding.order_by("pk")]
    likeness, known = max(((_likeness(name, known), known) for known in names), default=(0.0, ""))
    if likeness == 1:
        return Match("match")
    return Match("close_match", known) if likeness >= CLOSE else Match("no_match")


def _likeness(name: str, known: str) -> float:
    asked = _plain(name)
    return SequenceMatcher(None, asked, _plain(known)).ratio() if asked else 0.0


def _plain(name: str) -> str:
    """The name without accents, case and punctuation, its words in alphabetical order."""
    letters = "".join(_plain_letter(c) for c in unicodedata.normalize("NFKD", name).casefold())
    return " ".join(sorted(unicodedata.normalize("NFC", letters).split()))


def _plain_letter(character: str) -> str:
    """Empty for an accent, a vowel point of Hebrew or Arabic, an apostrophe and an invisible character; a space for
    other punctuation. All other marks distinguish names, such as the vowel signs of Indic scripts and the voicing marks
    of kana.
    """
    category = unicodedata.category(character)
    if category.startswith("M"):
        place = unicodedata.combining(character)
        return "" if place in _POINTS or place >= _FIRST_ACCENT else character
    if category == "Cf" or character in _APOSTROPHES:
        return ""
    return character if character.isalnum() else " "
