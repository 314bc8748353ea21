"""Names that strangers chose, as a page may show them (UTS #36, UTS #39).

What turns or hides letters is taken out; a name whose letters pass for others is marked, not refused: people do write
in two scripts, and decide better when they are told.
"""

import re
import unicodedata

LONGEST = 60
# Written together in one language (UTS #39 §5.2, highly restrictive).
_TOGETHER = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
# Letters that look Latin, of the scripts that have many of them.
_LOOK_LATIN = frozenset("аеорсухіјѕԛԝһԁѵӏгАВЕКМНОРСТХУІЈЅԚԜҺѴӀονιυκραΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսցհոՕՍ")

_LINK = re.compile(
    r"""
    :// | \bwww\. | @ | \b(?:mailto|tel|sms|javascript|data): |
    [\w-]\.(?:[^\W\d_]{2,} | xn--) |  # a host name; "12.50" and "e.g." are none
    [\w-]\u3002(?:[a-z]{2,} | xn--) |  # the ideographic full stop separates labels, too (RFC 5891 §3.1)
    \b\d{1,3}(?:\.\d{1,3}){3}\b | \[[0-9a-f:.]*:[0-9a-f:.]*\]
    """,
    re.IGNORECASE | re.VERBOSE,
)


def plain(text: str, *, longest: int = LONGEST) -> str:
    """One line without controls of direction, invisible characters and stacks of accents, in its everyday letters."""
    kept = "".join(
        c if unicodedata.category(c)[0] in "LNPSM" else " "
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c) not in ("Cf", "Me", "Co", "Cn", "Cs")
    )
    name = " ".join(kept.split())
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def looks_like_another(text: str) -> bool:
    """Whether a word mixes scripts that no language mixes, or all of it is of another script and looks Latin."""
    name = plain(text)
    return _looks_latin(name) or any(_is_mixed(word) for word in name.split())


def host(name: str) -> str:
    """As DNS knows it (RFC 5890): `xn--…` says what a pretty name hides. What DNS could not know stays visible."""
    try:
        return name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return name.encode("unicode_escape").decode()


def holds_link(text: str) -> bool:
    """Whether a mail program may turn a part of it into a link: an address, a host name or an email address."""
    return bool(_LINK.search(unicodedata.normalize("NFKC", text)))


def _is_mixed(word: str) -> bool:
    scripts = {_script(c) for c in word if c.isalpha()}
    return len(scripts) > 1 and not scripts <= _TOGETHER


def _looks_latin(name: str) -> bool:
    letters = [c for c in name if c.isalpha()]
    return len(letters) > 1 and all(c in _LOOK_LATIN for c in letters)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]
