"""Names with characters that join or separate letters (UTS #36, RFC 5892 appendix A)."""

import pytest

from oauth.infrastructure.display_names import is_printable, plain

GOOD = [
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",  # Persian: Ali-Reza
    "\u0915\u094d\u200d\u0937",  # Devanagari
    "Ada \U0001f469\u200d\U0001f4bb",  # a woman at a computer
    "\U0001f469\U0001f3fd\u200d\U0001f680",  # with a skin tone
    "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
    "Bob",
]
BAD = [
    "Pay\u200dPal", "Pay\u200cPal", "\u200dBob", "Bob\u200c", "Bo\u200bb", "\u041f\u200d\u0430", "a \u200d b", "\u0639\u200c\u200c\u0631",
    "\u202eBob",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_joiner_that_the_script_needs_stays(name):
    assert is_printable(name)
    assert plain(name) == name


@pytest.mark.parametrize("name", BAD)
def test_any_other_is_refused_and_left_out(name):
    assert not is_printable(name)
    assert not {"\u200b", "\u200c", "\u200d", "\u202e"} & set(plain(name).replace("\u0639\u200c\u0631", ""))
