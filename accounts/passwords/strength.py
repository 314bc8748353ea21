"""Estimates how many guesses a password takes, for the strength meter and for the rule that refuses weak passwords.

Uses zxcvbn (D. Wheeler, USENIX Security 2016) on the server, because its dictionaries have 800 kB.
"""

import re
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from oauth.pages import brand

#: The lowest accepted score. A botnet can make 10^6 guesses in a day despite rate limits.
LEAST_SCORE = 2
#: Only this many characters are rated, which takes at most 50 ms.
_JUDGED = 40


def score(password: str, own_words: Collection[str] = ()) -> int:
    """Returns a score from 0 (guessed immediately) to 4 (practically impossible to guess). The scores 1 to 4 begin at
    10^3, 10^6, 10^8 and 10^10 guesses. `own_words`, which an attacker knows about the user, add no strength; case is
    ignored.
    """
    # import late: the dictionaries take 0.2 s and 16 MiB, and not every process needs them
    from zxcvbn import zxcvbn

    known = "|".join(map(re.escape, sorted(own_words, key=len, reverse=True)))
    judged = re.sub(known, "", password[:_JUDGED], flags=re.IGNORECASE)
    if not judged:  # zxcvbn does not accept an empty password
        return 0
    scored: int = zxcvbn(judged, max_length=_JUDGED)["score"]
    return scored


def words_of(user: Any) -> frozenset[str]:
    """ASVS 5.0 6.2.11: words from the user's email and name and from the name of the site."""
    texts = (getattr(user, "email", ""), getattr(user, "name", ""), brand.known().name)
    return frozenset(word for text in texts for word in re.split(r"\W+", text.lower()) if len(word) > 2)


class GuessableValidator:
    """Refuses a password with a score below LEAST_SCORE. Requires no particular characters (ASVS 5.0 6.2.5)."""

    def validate(self, password: str, user: User | None = None) -> None:
        if score(password, words_of(user)) < LEAST_SCORE:
            raise ValidationError(
                _("This password is too easy to guess. Add words that do not belong together."),
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        return _("Choose words that do not belong together, or let your password manager choose.")
