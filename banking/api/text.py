"""The characters that a string of the API may contain, as one pattern for the code and the OpenAPI document.

The pattern means the same in Python, Java, Kotlin and ECMA 262 with or without the flag `u`: it uses no lookaround and
no Unicode properties, and matches characters above U+FFFF only by exclusion.
"""

import re

_Ranges = list[tuple[int, int]]

#: Control characters, invisible ones, and those that change the direction of the text around them (Unicode TR36 §3.3).
_UNSEEN: _Ranges = [
    (0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB),
]  # fmt: skip
#: ZERO WIDTH NON-JOINER and JOINER: Persian, Indic and other scripts, and emoji, are written with them.
_JOINERS: _Ranges = [(0x200C, 0x200D)]
#: The characters that may be on both sides of a joiner: letters of scripts that use joiners (RFC 5892 appendix A) and
#: of neighbouring blocks, symbols, and U+FE0F, which turns a symbol into an emoji (UTS #51 §2.7). Between Latin, Greek,
#: Cyrillic or East Asian letters, a joiner would only make two different texts look the same.
_JOINED: _Ranges = [
    (0x0600, 0x061B), (0x061D, 0x167F), (0x1681, 0x180D), (0x180F, 0x1CFF), (0x2100, 0x2BFF), (0xA800, 0xABFF),
    (0xFB50, 0xFEFE),
]  # fmt: skip
_SPACES: _Ranges = [
    (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F),
    (0x3000, 0x3000),
]  # fmt: skip
_SURROGATES: _Ranges = [(0xD800, 0xDFFF)]


def _but(*taken: _Ranges) -> _Ranges:
    """The ranges of U+0000 to U+FFFF that remain without these."""
    rest, start = [], 0
    for first, last in sorted(one for ranges in taken for one in ranges):
        if start < first:
            rest.append((start, first - 1))
        start = last + 1
    return [*rest, (start, 0xFFFF)] if start <= 0xFFFF else rest


def _characters(ranges: _Ranges) -> str:
    merged: _Ranges = []
    for first, last in sorted(ranges):
        if merged and merged[-1][1] == first - 1:
            first = merged.pop()[0]
        merged.append((first, last))
    return "".join(rf"\u{first:04x}" + (rf"-\u{last:04x}" if last > first else "") for first, last in merged)


_SOLID = _but(_UNSEEN, _JOINERS, _JOINED, _SPACES, _SURROGATES)
_JOINED_CHARACTER = f"[^{_characters(_but(_JOINED, _SURROGATES))}]"  # excludes, so that it matches all above U+FFFF
_RUN = f"{_JOINED_CHARACTER}(?:[{_characters(_JOINERS)}]{_JOINED_CHARACTER})*"
_ANY = f"(?:[{_characters([*_SOLID, *_SPACES])}]|{_RUN})*"
#: A string that a user may have written. Each joiner must be single, and between two characters of scripts that use
#: joiners.
VISIBLE_PATTERN = f"^{_ANY}$"
#: The same, with at least one character other than a space.
NON_BLANK_PATTERN = f"^[{_characters(_SPACES)}]*(?:[{_characters(_SOLID)}]|{_RUN}){_ANY}$"
_VISIBLE = re.compile(VISIBLE_PATTERN)
#: Lone surrogates, and invisible tag characters. The pattern cannot exclude them, because some languages represent a
#: character above U+FFFF as a surrogate pair.
_BEYOND = re.compile("[\ud800-\udfff\U000e0000-\U000e007f]")


def is_visible(text: str) -> bool:
    return bool(_VISIBLE.fullmatch(text)) and not _BEYOND.search(text)
