"""CSV files for spreadsheets: no text that somebody else has written becomes a formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.infrastructure import csv_cells


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "⁼", "₊", "−"])
@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\r", "\n", "\u00a0", "\u3000", "\ufeff", "\u200b", " \t\u2003", "\x00"]
)
def test_a_text_that_begins_like_a_formula_begins_with_an_apostrophe(before, sign):
    """CWE-1236: this covers all variants of the first character, and characters that a spreadsheet skips before it."""
    assert csv_cells.text(f"{before}{sign}1+1").startswith("'")


@pytest.mark.parametrize("text", ["INV 7;=1+1", "INV 7\t ＝1+1", "one\n@SUM(1)"])
def test_a_text_with_separators_of_other_programs_starts_no_formula(text):
    assert not set("=＝@") & {
        part.strip()[:1] for part in csv_cells.text(text).replace("\t", ";").replace("\n", ";").split(";")
    }


@pytest.mark.parametrize("text", ["Salary", "1-2", "a = b", "Tom & Jerry; Co", "", "'quoted"])
def test_other_texts_stay_as_they_are(text):
    assert csv_cells.text(text) == text


@given(st.text())
def test_nothing_is_lost(text):
    assert csv_cells.text(text).replace("'", "") == text.replace("'", "")
