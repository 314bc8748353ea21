"""IBANs as users and documents write them (ISO 13616)."""

import re

import pytest

from banking.notation import iban

GOOD = "DE89370400440532013000"


@pytest.mark.parametrize(
    "written",
    [
        GOOD, GOOD.lower(), "DE89 3704 0044 0532 0130 00", "IBAN DE89 3704 0044 0532 0130 00", "IBAN: DE89370400440532013000",
        "iban:de89-3704-0044-0532-0130-00", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "DE89.3704.0044.0532.0130.00",
        "DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00", "DE89/3704/0044/0532/0130/00", "  DE89370400440532013000  ",
        "DE89\u20133704\u20130044\u20130532\u20130130\u201300",
    ],
)  # fmt: skip
def test_separators_and_the_word_are_left_out(written):
    assert iban.compact(written) == GOOD
    assert iban.is_valid(iban.compact(written))
    assert re.search(iban.WRITTEN_PATTERN, written)
    assert len(written) <= iban.MAX_WRITTEN_CHARACTERS


@pytest.mark.parametrize(
    "written", ["DE89370400440532013001", "DE89_370400440532013000", "IBANIBAN" + GOOD, "", "IBAN", "X"]
)
def test_anything_else_is_no_iban(written):
    assert not iban.is_valid(iban.compact(written))


@pytest.mark.parametrize("number", range(200))
def test_check_digits_are_02_to_98(number):
    """ISO 7064: 00, 01 and 99 leave the same remainder as 97, 98 and 02."""
    valid = iban.from_number(number)
    assert iban.is_valid(valid)
    digits = int(valid[2:4])
    assert 2 <= digits <= 98
    for other in {digits - 97, digits + 97} & set(range(100)):
        assert not iban.is_valid(f"{valid[:2]}{other:02d}{valid[4:]}")
