"""IBANs as users and documents write them (ISO 13616)."""

import re

import pytest

from banking.consents.transfer import TransferDetails
from banking.notation import iban
from banking.web.forms import PayeeForm

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


def with_check_digits(country, bban):
    """Returns an IBAN with valid check digits (ISO 7064), whatever the rules of the country."""
    number = int("".join(str(int(character, 36)) for character in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


REGISTRY_EXAMPLES = [
    "AD1200012030200359100100", "AE070331234567890123456", "AT611904300234573201", "BE68539007547034", "BR1800360305000010009795493C1",
    "CH9300762011623852957", "DE89370400440532013000", "ES9121000418450200051332", "FI2112345600000785", "FR1420041010050500013M02606",
    "GB29NWBK60161331926819", "IE29AIBK93115212345678", "IT60X0542811101000000123456", "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA", "MT84MALT011000012345MTLCAST001S", "MU17BOMM0101101030300200000MUR", "NL91ABNA0417164300", "NO9386011117947",
    "PL61109010140000071219812874", "SA0380000000608010167519", "SE4550000000058398257466", "TR330006100519786457841326",
    "UA213223130000026007233566001", "XK051212012345678906",
]  # fmt: skip


@pytest.mark.parametrize("number", REGISTRY_EXAMPLES)
def test_examples_of_the_registry_are_valid(number):
    """ISO 13616, the registry of SWIFT."""
    assert iban.is_valid(number)
    assert re.search(iban.WRITTEN_PATTERN, iban.grouped(number))


@pytest.mark.parametrize("number", REGISTRY_EXAMPLES)
def test_the_same_number_shorter_or_longer_is_not(number):
    """Check digits alone would accept any length."""
    for bban in (number[4:-1], number[4:] + "0", number[4:] + "A"):
        assert not iban.is_valid(with_check_digits(number[:2], bban))


@pytest.mark.parametrize(
    ("country", "bban"),
    [("DE", "37040044A532013000"), ("GB", "12BK60161331926819"), ("NL", "ABNA041716430A"), ("SE", "5000000005839825746A"),
     ("ZZ", "370400440532013000"), ("US", "370400440532013000"), ("IB", "370400440532013000")],
)  # fmt: skip
def test_letters_stand_where_the_country_has_them_and_the_country_has_ibans(country, bban):
    assert not iban.is_valid(with_check_digits(country, bban))


def test_the_numbers_of_this_bank_are_valid():
    assert all(iban.is_valid(iban.generate()) for _ in range(100))


TOO_SHORT = with_check_digits("DE", "37040044053201300")


@pytest.mark.django_db
def test_the_doors_of_the_api_ask_the_same_function(access_token, api, alice, current):
    payer = api(access_token(alice, "payees:write transfers:write"))
    payee = {"scheme": "iban", "identifier": iban.grouped(TOO_SHORT), "name": "Dora Demir"}
    for path in ("payees", "payee-checks"):
        answer = payer.post(f"/api/v1/{path}", payee, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/identifier")
    transfer = {
        "source_account_id": str(current.pk), "destination": payee, "amount": {"currency": "GBP", "minor_units": 1},
        "reference": "INV 7",
    }  # fmt: skip
    answer = payer.post("/api/v1/transfer-rehearsals", transfer, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "payee_unreachable")


def test_the_form_of_the_web_bank_asks_the_same_function():
    form = PayeeForm({"name": "Dora Demir", "iban": TOO_SHORT})
    assert not form.is_valid()
    assert list(form.errors) == ["iban"]
    assert PayeeForm({"name": "Dora Demir", "iban": "IBAN: DE89-3704-0044-0532-0130-00"}).is_valid()


def test_authorization_details_ask_the_same_function():
    detail = {"creditor": {"scheme": "iban", "identifier": TOO_SHORT, "name": "Dora Demir"}, "reference": "INV 7"}
    with pytest.raises(ValueError, match="valid IBAN"):
        TransferDetails().check(detail)
    detail["creditor"]["identifier"] = "IBAN DE89 3704 0044 0532 0130 00"
    TransferDetails().check(detail)
