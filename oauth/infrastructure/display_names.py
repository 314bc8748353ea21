"""Makes names that strangers chose safe to display (UTS #36, UTS #39).

Removes characters that reverse or hide text. A name whose letters can be mistaken for others is marked instead of
refused, because some languages use two scripts.
"""

import re
import unicodedata

LONGEST = 60
# Scripts that one language uses together (UTS #39 §5.2, highly restrictive).
_TOGETHER = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
# Letters of other scripts that look like Latin letters, and these.
_LATIN_OF = str.maketrans(
    "аеорсухіјѕԛԝһԁѵӏгАВЕКМНОРСТХУІЈЅԚԜҺѴӀονιυκραΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսցհոՕՍ",
    "aeopcyxijsqwhdvlrABEKMHOPCTXYIJSQWHVloviukpaABEZHIKMNOPTYXouqhnOU",
)
_LOOK_LATIN = frozenset(map(chr, _LATIN_OF))
_ALIKE = str.maketrans("i10", "llo")
_LONGEST_COMPARED = 1_000

_ZERO_WIDTH_NON_JOINER, _ZERO_WIDTH_JOINER = "\u200c", "\u200d"
_JOINERS = frozenset((_ZERO_WIDTH_NON_JOINER, _ZERO_WIDTH_JOINER))
# Scripts whose letters change shape when joined.
_JOINED = frozenset(
    {
        "ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
        "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN",
    }
)  # fmt: skip

_LINK = re.compile(
    r"""
    :// | \bwww\. | @ | \b(?:mailto|tel|sms|javascript|data): |
    [\w-]\.(?:[^\W\d_]{2,} | xn--) |  # a host name; "12.50" and "e.g." are not
    [\w-]\u3002(?:[a-z]{2,} | xn--) |  # the ideographic full stop also separates labels (RFC 5891 §3.1)
    \b\d{1,3}(?:\.\d{1,3}){3}\b | \[[0-9a-f:.]*:[0-9a-f:.]*\]
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_printable(text: str) -> bool:
    """Like `str.isprintable`, but allows joiners where a script or an emoji needs them."""
    return all(c.isprintable() or _is_needed_joiner(text, at) for at, c in enumerate(text))


def _is_needed_joiner(text: str, at: int) -> bool:
    """Whether this is a zero-width joiner or non-joiner between letters of a script that needs it, or between the parts
    of an emoji (RFC 5892 appendix A.1, A.2, UTS #51 §2.7).
    """
    if text[at] not in _JOINERS or not 0 < at < len(text) - 1:
        return False
    before, after = text[at - 1], text[at + 1]
    if text[at] == _ZERO_WIDTH_JOINER and unicodedata.category(after) == "So":
        return before == "\ufe0f" or unicodedata.category(before) in ("So", "Sk")
    return _script(before) in _JOINED and unicodedata.category(after)[0] in "LM"


def plain(text: str, *, longest: int = LONGEST) -> str:
    """The text on one line, in NFKC, without direction controls, invisible characters and stacked accents."""
    letters = unicodedata.normalize("NFKC", text)
    kept = "".join(
        c if unicodedata.category(c)[0] in "LNPSM" or _is_needed_joiner(letters, at) else " "
        for at, c in enumerate(letters)
        if unicodedata.category(c) not in ("Cf", "Me", "Co", "Cn", "Cs") or _is_needed_joiner(letters, at)
    )
    name = " ".join(kept.split())
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def skeleton(text: str) -> str:
    """The letters and digits of the text in a form that is equal for names that look alike: without case, accents,
    spaces and punctuation, and with one letter for each group of similar ones (after UTS #39 §4). Never displayed.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", plain(text, longest=_LONGEST_COMPARED).translate(_LATIN_OF))
    letters = "".join(c for c in text.casefold() if c.isalnum())
    return letters.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def looks_like_another(text: str) -> bool:
    """Whether a word mixes scripts that no language mixes, or the text looks Latin without having a Latin letter."""
    name = plain(text)
    return _looks_latin(name) or any(_is_mixed(word) for word in name.split())


def host(name: str) -> str:
    """The host in its DNS form (RFC 5890), so that a Unicode name cannot imitate another (`xn--…`). Escapes characters
    that DNS forbids.
    """
    try:
        return name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return name.encode("unicode_escape").decode()


def holds_link(text: str) -> bool:
    """Whether a mail program may turn a part of the text into a link: a URL, a host name, an IP address or an email
    address.
    """
    return bool(_LINK.search(unicodedata.normalize("NFKC", text)))


def _is_mixed(word: str) -> bool:
    scripts = {_script(c) for c in word if c.isalpha()}
    return len(scripts) > 1 and not scripts <= _TOGETHER


def _looks_latin(name: str) -> bool:
    letters = [c for c in name if c.isalpha()]
    return len(letters) > 1 and all(c in _LOOK_LATIN for c in letters)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]
