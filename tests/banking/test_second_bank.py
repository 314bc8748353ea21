"""The simulated second bank: each special amount has the documented effect, and the second bank never runs on a site
with real money.
"""

import io
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from banking import checks, payments, second_bank
from banking.api.openapi.document import document
from banking.ledger import audit
from banking.models import SchemeMessage, SecondBankMessage, SecondBankPayment, Transfer
from banking.payments import scheme
from banking.second_bank.amounts import NAMED
from tests.lib.document_tables import table
from tests.lib.ledger import balances, funded, held
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/payment-scheme.md"
FUNDS = 1_000_000

#: last digits of the amount -> (final status, its code, how often the transfer is settled until then, later messages in
#: order)
EXPECTED = {
    "9101": ("rejected", "AC01", 1, []),
    "9104": ("rejected", "AC04", 1, []),
    "9106": ("rejected", "AC06", 1, []),
    "9114": ("rejected", "AM04", 1, []),
    "9201": ("returned", "AC04", 1, ["done"]),
    "9202": ("returned", "CUST", 1, ["done"]),
    "9203": ("returned", "AC06", 1, ["done"]),
    "9301": ("posted", "", 2, []),
    "9302": ("rejected", "AC04", 2, []),
    "9303": ("posted", "", 2, []),
    "9304": ("posted", "", 9, ["done"]),
    "9401": ("posted", "", 1, ["repeated", "repeated", "repeated"]),
    "9402": ("returned", "AC04", 1, ["done", "done", "repeated"]),
    "9403": ("returned", "AC04", 9, ["done", "repeated"]),
    "9501": ("posted", "", 1, ["done"]),
    "9502": ("posted", "", 1, ["done"]),
}


@pytest.fixture(autouse=True)
def _second_bank(settings):
    settings.PAYMENT_SCHEME = "banking.second_bank.SecondBank"


@pytest.fixture
def rich(alice):
    return funded(alice, "Rich", amount_minor=FUNDS)


def test_every_named_amount_is_tried_and_documented():
    documented = {ending: what for ending, [what] in table(DOCUMENT.read_text(), "The second bank").items()}
    assert documented == {ending: behaviour.what for ending, behaviour in NAMED.items()}
    assert set(EXPECTED) == set(NAMED)


def test_the_documents_of_the_api_name_the_amounts(settings):
    """They do so in a sandbox only."""
    document.cache_clear()
    assert "| 9201 | accepts it, and returns it after 5 seconds" in document()["info"]["description"]
    settings.PAYMENT_SCHEME = ""
    document.cache_clear()
    assert "9201" not in document()["info"]["description"]
    document.cache_clear()


@pytest.mark.parametrize("ending", EXPECTED)
def test_a_named_amount_does_what_is_said(alice_api, rich, ending):
    status, code, attempts, told = EXPECTED[ending]
    amount_minor = 20_000 + int(ending)
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(rich, ELSEWHERE, amount_minor)).json()["id"])
    for number in range(1, min(attempts, 3) + 1):
        if number < attempts:
            with pytest.raises(scheme.Unanswered):
                payments.settle(transfer.pk)
        else:
            payments.settle(transfer.pk)
    assert [one.status for one in second_bank.deliver_due(also_later=True)] == told
    assert second_bank.deliver_due(also_later=True) == []
    transfer.refresh_from_db()
    assert (transfer.status, transfer.reason_code) == (status, code)
    came = {"9501": amount_minor, "9502": -amount_minor}.get(ending, 0)
    left = amount_minor if status == "posted" else 0
    assert (balances(rich), held(rich)) == ([FUNDS - left + came], 0)
    assert [one.question for one in audit() if not one.is_clean] == []


def test_it_pays_once_however_often_it_is_asked(alice_api, rich):
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(rich, ELSEWHERE, 9501)).json()["id"])
    bank, payment = second_bank.SecondBank(), scheme.payment_of(transfer)
    assert bank.ask(payment) is None
    assert [bank.pay(payment), bank.pay(payment), bank.ask(payment)] == [scheme.Outcome()] * 3
    assert (SecondBankPayment.objects.get().calls, SecondBankMessage.objects.count()) == (3, 1)


def test_an_account_that_ends_in_0000_is_closed():
    payment = scheme.OutgoingPayment("x", "x", 100, "GBP", "", "", "", "DE00000000000000000000", "")
    assert second_bank.SecondBank().pay(payment).reason == "AC04"


def test_other_amounts_are_paid_at_once(alice_api, rich):
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(rich, ELSEWHERE, 1)).json()["id"])
    payments.settle(transfer.pk)
    transfer.refresh_from_db()
    assert transfer.status == "posted"


def run(*arguments):
    out = io.StringIO()
    call_command("second_bank", *arguments, stdout=out)
    return out.getvalue()


def test_it_pays_in_on_command(rich):
    paying = ["pay", "--iban", rich.iban, "--amount", "1250", "--name", "Dora", "--reference", "Rent"]
    assert "Done" in run(*paying)
    assert "Done" in run(*paying, "--id", "one")
    assert "Done" in run(*paying, "--id", "one")
    assert balances(rich) == [FUNDS + 2 * 1250]
    with pytest.raises(CommandError, match="Another message"):
        run("pay", "--iban", rich.iban, "--amount", "1251", "--id", "one")
    with pytest.raises(CommandError, match="not an amount"):
        run("pay", "--iban", rich.iban, "--amount", "0")


def test_it_collects_on_command(rich):
    collecting = ["collect", "--iban", rich.iban, "--amount", "1250", "--reference", "CP-1"]
    assert "Done" in run(*collecting)
    assert "Done" in run(*collecting, "--id", "one")
    assert "Done" in run(*collecting, "--id", "one")
    assert balances(rich) == [FUNDS - 2 * 1250]
    assert "Refused; nothing was booked (AM04)" in run("collect", "--iban", rich.iban, "--amount", str(FUNDS))


def test_what_it_pays_to_nobody_goes_back_or_stays_in_suspense():
    assert "being given back (AC01)" in run("pay", "--iban", "GB33BUKB20201555555555", "--amount", "1250")
    assert "being given back (AC01)" in run("pay", "--iban", "GB33BUKB20201555555555", "--amount", "9601")
    for message in SchemeMessage.objects.all():
        payments.give_back(message.pk)
    assert [*SchemeMessage.objects.order_by("pk").values_list("status", flat=True)] == ["given_back", "suspense"]


def test_it_says_later_what_is_due(alice_api, rich):
    made = send(alice_api, body_of(rich, ELSEWHERE, 9201), KEY).json()["id"]
    payments.settle(UUID(made))
    assert run("deliver") == ""
    assert "Done" in run("deliver", "--all")
    assert "9201" in run("amounts")


def test_it_does_not_run_where_money_is_real(settings, rich):
    settings.BANK_SANDBOX = False
    assert [one.id for one in checks.check_payment_scheme()] == ["banking.E006"]
    for work in (
        scheme.configured_scheme,
        lambda: second_bank.pay_in(rich.iban, 100, "GBP"),
        lambda: second_bank.deliver(rich.pk),
    ):
        with pytest.raises(second_bank.NotASandbox):
            work()
    with pytest.raises(CommandError, match="creates money"):
        run("pay", "--iban", rich.iban, "--amount", "100")
    assert balances(rich) == [FUNDS]


def test_a_scheme_that_does_not_exist_stops_the_start(settings):
    settings.PAYMENT_SCHEME = "banking.nowhere"
    assert [one.id for one in checks.check_payment_scheme()] == ["banking.E005"]
    settings.PAYMENT_SCHEME = ""
    assert checks.check_payment_scheme() == []
