"""The bank accepts only currencies of ISO 4217, with their minor units, and each has its own limits."""

import pytest
from babel.numbers import get_currency_precision
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import translation

from banking import checks
from banking.accounts.opening import open_account
from banking.consents.transfer import TransferDetails
from banking.models import Account
from banking.notation import amounts
from banking.notation.currencies import MINOR_DIGITS, OF_ACCOUNTS, PLAY_MONEY, minor_digits
from config.settings import _by_currency
from tests.lib.ledger import funded
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send
from tests.lib.web_bank import begin, new_payee, text

pytestmark = pytest.mark.django_db


def test_the_digits_are_those_of_iso_and_not_those_of_cash():
    """ISO 4217 List One; each of these has other digits in CLDR."""
    assert len(MINOR_DIGITS) == 165
    listed = {"JPY": 0, "GBP": 2, "KWD": 3, "IQD": 3, "CLF": 4, "UYW": 4, "HUF": 2, "IDR": 2}
    assert {code: minor_digits(code) for code in listed} == listed
    for code in ("RSD", "ALL", "LBP", "MMK", "AFN"):
        assert minor_digits(code) == 2
    assert get_currency_precision("IQD") == get_currency_precision("MMK") == 0


@pytest.mark.parametrize("code", ["XAU", "XXX", "BTC", "gbp", ""])
def test_an_account_cannot_have_a_currency_without_a_minor_unit(alice, code):
    with pytest.raises(ValueError, match="ISO 4217"):
        minor_digits(code)
    with pytest.raises((IntegrityError, ValidationError)):
        open_account(alice, name="Odd", currency=code)


def test_the_database_knows_each_code_and_no_part_of_two():
    """Its constraint is one text with all codes, because PostgreSQL parses it at each change of a balance."""
    known = next(one for one in Account._meta.constraints if one.name == "account_currency_known")
    for code in OF_ACCOUNTS:
        known.validate(Account, Account(currency=code))
    for part in ("", " ", "A", "GB", "BP ", " GB", "D A", "%", "___", "GBP EUR"):
        with pytest.raises(ValidationError):
            known.validate(Account, Account(currency=part))


@pytest.mark.parametrize(
    ("currency", "minor_units", "written"),
    [("IQD", 1_234_567, "1,234.567 IQD"), ("MMK", 150, "1.50 MMK"), ("UYW", 12_345, "1.2345 UYW"),
     ("JPY", -5, "-5 JPY"), ("KWD", 1, "0.001 KWD")],
)  # fmt: skip
def test_an_amount_is_written_with_all_of_its_digits(currency, minor_units, written):
    with translation.override("en-gb"):
        assert amounts.with_code(currency, minor_units).replace("\xa0", " ") == written
        number = written.split()[0].lstrip("-")
        assert number in amounts.with_symbol(currency, minor_units)


def test_a_consent_names_only_currencies_that_exist():
    """RFC 9396: the consent page writes the amount with its digits."""
    schema = TransferDetails.schema["properties"]["instructed_amount"]["properties"]["currency"]
    assert set(schema["enum"]) == {*MINOR_DIGITS, PLAY_MONEY}


def test_an_amount_is_typed_with_all_of_its_digits(browser, alice, of_bob, settings):
    settings.STEP_UP_AMOUNT_MINOR = settings.NEW_PAYEE_LIMIT_MINOR = {"IQD": 5_000_000}
    dinars = funded(alice, "Dinars", "IQD", amount_minor=5_000_000)
    to = funded(of_bob.holder, "Bob's dinars", "IQD", amount_minor=0)
    assert "1,234.567" in text(browser.get(begin(browser, dinars, amount="1,234.567", **new_payee(to))))


# --- limits


@pytest.fixture
def limits(settings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 5_000, "JPY": 500_000}
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 5_000, "JPY": 600_000}
    return settings


@pytest.mark.usefixtures("limits")
def test_each_currency_has_a_limit_of_its_own(access_token, api, alice, current):
    yen = funded(alice, "Yen", "JPY", amount_minor=1_000_000)
    old = api(access_token(alice, "transfers:write", auth_time=None))
    assert send(old, body_of(current, ELSEWHERE, 5_000)).status_code == 401
    assert send(old, body_of(yen, ELSEWHERE, 499_999, "JPY"), f"{KEY}-2").status_code == 201
    assert send(old, body_of(yen, ELSEWHERE, 1, "JPY"), f"{KEY}-3").status_code == 401
    fresh = api(access_token(alice, "transfers:write"))
    over = send(fresh, body_of(yen, ELSEWHERE, 100_002, "JPY"), f"{KEY}-4").json()
    assert (over["code"], "600,000 JPY" in over["detail"]) == ("limit_exceeded", True)


@pytest.mark.usefixtures("limits")
def test_in_a_currency_without_limits_nothing_is_allowed(access_token, api, alice):
    """Fail closed: no payment without a fresh login, and nothing to a new payee."""
    first, second = (funded(alice, name, "KWD") for name in ("One", "Two"))
    assert send(api(access_token(alice, "transfers:write", auth_time=None)), body_of(first, second, 1, "KWD")).status_code == 401  # fmt: skip
    fresh = api(access_token(alice, "transfers:write"))
    assert send(fresh, body_of(first, second, 1, "KWD")).status_code == 201
    assert send(fresh, body_of(first, ELSEWHERE, 1, "KWD"), f"{KEY}-2").json()["code"] == "limit_exceeded"
    assert [one.id for one in checks.check_currencies(databases=["default"])] == ["banking.W001"]


@pytest.mark.usefixtures("limits")
def test_an_app_reads_the_limits_of_each_currency(issued, mobile_app, api):
    """The documented answer of GET /consent."""
    token = issued(mobile_app, scope="accounts:read")["access_token"]
    assert api(token).get("/api/v1/consent").json()["limits"] == [
        {"currency": "GBP", "fresh_log_in_from_minor_units": 5_000, "new_payee_minor_units": 5_000},
        {"currency": "JPY", "fresh_log_in_from_minor_units": 500_000, "new_payee_minor_units": 600_000},
    ]


@pytest.mark.parametrize(
    ("given", "complaints"),
    [("GBP=1000000, JPY=2000000", []), ("", ["banking.E003"]), ("1000000", ["banking.E002"]),
     ("GBP=10.50,JPY=1", ["banking.E002"]), ("GBP=-1,JPY=1", ["banking.E002"]), ("XAU=1,JPY=1", ["banking.E002"]),
     ("GBP=²,JPY=1", ["banking.E002"]), (f"GBP={10**16},JPY=1", ["banking.E002"]), ("GBP=0", ["banking.E003"])],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_named_at_the_start(limits, given, complaints):
    limits.STEP_UP_AMOUNT_MINOR = _by_currency(given)
    assert sorted({one.id for one in checks.check_limits()}) == complaints


def test_the_limits_of_the_defaults_are_complete():
    assert checks.check_limits() == []
