"""The API accepts the characters of every language in a string, but none that hides others or changes their
direction.
"""

import unicodedata

import pytest

from banking.api.text import is_visible
from oauth.infrastructure import display_names

JOINERS = "\u200c", "\u200d"


@pytest.mark.parametrize(
    "name",
    ["علی\u200cرضا", "می\u200cخواهم", "क्\u200dष", "ශ්\u200dරී", "👩\u200d💻 Ltd", "❤\ufe0f\u200d🔥", "👩🏽\u200d⚕\ufe0f",
     "Zoë Łukasz", "Шаг", "東京", "Ό", "אב", "e\u0301", "½ € ™"],
)  # fmt: skip
def test_names_of_every_language_are_taken(name):
    assert is_visible(name)
    assert is_visible(f"{name} {name}")
    assert display_names.is_printable(name)


@pytest.mark.parametrize(
    "name",
    ["Ali\u200dce", "Ali\u200cce", "\u200dعلی", "علی\u200c", "ع\u200c\u200cع", "ع\u200c a", "東\u200d京", "Шa\u200dг", "1\u200d2"],
)  # fmt: skip
def test_a_joiner_that_joins_nothing_is_refused(name):
    """Such a character only makes two different names look the same (UTS #36 §2.10)."""
    assert not is_visible(name)
    assert not display_names.is_printable(name)


@pytest.mark.parametrize("joiner", JOINERS)
def test_a_joiner_that_a_page_takes_is_taken_here(joiner):
    """The pages look up the script of a letter in Unicode's data, whereas the pattern for clients must list ranges."""
    letters = [c for c in map(chr, range(0x80, 0x10000)) if unicodedata.category(c)[0] in "LM"]
    for letter in letters:
        pair = f"{letter}{joiner}{letter}"
        assert is_visible(pair) or not display_names.is_printable(pair), hex(ord(letter))


@pytest.mark.parametrize("character", ["\x00", "\t", "\n", "\x7f", "\x85", "\xad", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f",
                                       "\u2028", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\ufeff", "\ufffb", "\ud800", "\U000e0041"])  # fmt: skip
def test_what_is_not_seen_or_turns_the_text_is_refused(character):
    for text in (character, f"a{character}b", f"ع{character}ع", f"👩{character}💻"):
        assert not is_visible(text)


def test_a_long_string_takes_time_in_proportion():
    """No nested repetition: 64 KiB of the worst letters are read in one pass."""
    assert not is_visible("ع\u200c" * 10_000 + "\u202e")
    assert is_visible("ع" + "\u200cع" * 10_000)
