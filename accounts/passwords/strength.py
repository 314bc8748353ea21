"""How many guesses a password takes, for the meter beside it and for the rule that refuses what is guessed at once.

As zxcvbn does it (D. Wheeler, USENIX Security 2016): the cheapest way to put the password together from common
passwords, words of the user, repeats, runs and years, and single characters. The words are those of Django's own list,
so that the meter and Django's validator agree. zxcvbn itself would send 800 kB of dictionaries to each browser.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from math import log10
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from oauth.pages import brand

#: Guesses, as a power of ten, from which a password has the score 1, 2, 3 and 4.
THRESHOLDS = (3, 6, 8, 10)
#: The least score that is accepted: 10^6 guesses are made within a day by a botnet, whatever the page limits.
LEAST_SCORE = 2
#: Longer passwords are judged by their beginning, so that the time is bounded.
_JUDGED = 72
_BRUTE_FORCE = 1.0
_ONE_COMMON = 4.3  # of 20,000
_LEETSPEAK = str.maketrans("4@8310!5$7+", "aabeioisstt")
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm",
    "azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)  # fmt: skip


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def score(password: str, own_words: Collection[str] = ()) -> int:
    """0 (guessed at once) to 4 (not guessed)."""
    return sum(guesses(password, own_words) >= threshold for threshold in THRESHOLDS)


def guesses(password: str, own_words: Collection[str] = ()) -> float:
    """As a power of ten. `own_words` are what an attacker knows of the user, in lower case."""
    password = password[:_JUDGED]
    least = [0.0] + [float("inf")] * len(password)
    parts: dict[int, list[tuple[int, float]]] = {}
    for begin, end, cost in _parts(password, frozenset(own_words)):
        parts.setdefault(end, []).append((begin, cost))
    for end in range(1, len(password) + 1):
        one_more = least[end - 1] + _BRUTE_FORCE
        least[end] = min([one_more, *(least[begin] + cost for begin, cost in parts.get(end, ()))])
    return least[-1]


def words_of(user: Any) -> frozenset[str]:
    """ASVS 5.0 6.2.11: what belongs to this user, and the name of the site."""
    texts = (getattr(user, "email", ""), getattr(user, "name", ""), brand.known().name)
    return frozenset(word for text in texts for word in re.split(r"\W+", text.lower()) if len(word) > 2)


class GuessableValidator:
    """Refuses a password that takes fewer guesses than LEAST_SCORE stands for, however long it is. It asks for no kinds
    of characters (ASVS 5.0 6.2.5)."""

    def validate(self, password: str, user: User | None = None) -> None:
        if score(password, words_of(user)) < LEAST_SCORE:
            raise ValidationError(
                _("This password is guessed too easily. Add words that do not belong together."),
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        return _("Choose words that do not belong together, or let your password manager choose.")


def _parts(password: str, own_words: frozenset[str]) -> Iterator[tuple[int, int, float]]:
    """(begin, end, guesses) of what is cheaper than its single characters."""
    lower = password.lower()
    plain = lower.translate(_LEETSPEAK)
    length = len(password)
    for begin in range(length):
        for end in range(begin + 3, min(length, begin + 24) + 1):
            for text, more in ((lower, 0.0), (plain, 0.5)):
                if text[begin:end] in own_words:
                    yield begin, end, 0.5 + more + _capitals(password[begin:end])
                elif text[begin:end] in _common():
                    yield begin, end, _ONE_COMMON + more + _capitals(password[begin:end])
    yield from _repeats(lower)
    yield from _runs(lower)
    for year in re.finditer(r"(19|20)\d\d", lower):
        yield year.start(), year.end(), 2.1


def _capitals(word: str) -> float:
    if word.islower() or not any(letter.isupper() for letter in word):
        return 0.0
    return 0.3 if word[1:] == word[1:].lower() or word.isupper() else 1.0


def _repeats(text: str) -> Iterator[tuple[int, int, float]]:
    for found in re.finditer(r"(.+?)\1+", text):
        unit, times = len(found[1]), (found.end() - found.start()) / len(found[1])
        known = unit * _BRUTE_FORCE
        if found[1] in _common():
            known = min(known, _ONE_COMMON)
        yield found.start(), found.end(), known + log10(times)


def _runs(text: str) -> Iterator[tuple[int, int, float]]:
    rows: Iterable[str] = [*_RUNS, *(row[::-1] for row in _RUNS)]
    for row in rows:
        for begin in range(len(text) - 2):
            at = row.find(text[begin : begin + 3])
            if at < 0:
                continue
            end = begin + 3
            while end < len(text) and at + end - begin < len(row) and text[end] == row[at + end - begin]:
                end += 1
            yield begin, end, 1.5 + log10(end - begin)
