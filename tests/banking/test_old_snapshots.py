"""Two sessions of the site's role together must not do what neither may do alone: one changes a transaction that the
other has sealed, before it sees the seal.
"""

import psycopg
import pytest
from uuid_utils.compat import uuid7

from banking.ledger import audit
from tests.lib.beside import Beside
from tests.lib.database import site_role, url_of
from tests.lib.exchanges import exchanged, set_rate
from tests.lib.ledger import FUNDS_MINOR, balances, funded

pytestmark = pytest.mark.django_db(transaction=True)

_ENTRY = (
    "INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor,"
    " counterparty_name, counterparty_iban, booked_at) VALUES (%s, %s, 'GBP', %s, 0, 0, '', '', now())"
)


@pytest.fixture
def sessions(current):
    with site_role() as role, psycopg.connect(url_of(role)) as one, psycopg.connect(url_of(role)) as other:
        yield one, other


def keep_snapshot(session):
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    session.execute("SELECT 1")


def post_and_seal(session, source, destination):
    """Posts and seals a balanced transaction without COMMIT. Returns its id."""
    new = uuid7()
    session.execute("INSERT INTO ledger_transaction VALUES (%s, 'GBP', 'x', '', now(), NULL)", [new])
    session.execute(_ENTRY, [new, source.pk, -100])
    session.execute(_ENTRY, [new, destination.pk, 100])
    session.execute("INSERT INTO ledger_seal VALUES (%s, 2)", [new])
    return new


def refused_by(session, statement, parameters):
    """Returns the name of the constraint that refuses the statement."""
    try:
        session.execute(statement, parameters)
        session.commit()
    except psycopg.errors.IntegrityError as error:
        session.rollback()
        return error.diag.constraint_name
    return "none"


def add(session, transaction_id, account):
    """Adds an entry without a counterpart, which would create money."""
    return refused_by(session, _ENTRY, [transaction_id, account.pk, 5000])


def test_a_session_that_waited_for_the_seal_adds_nothing(sessions, current, savings, of_bob):
    """Its statement began before the seal was committed, and its foreign key is checked after."""
    one, other = sessions
    one.execute("SELECT FROM bank_account WHERE id = %s FOR NO KEY UPDATE", [of_bob.pk])
    new = post_and_seal(one, current, savings)
    adding = Beside(lambda: add(other, new, of_bob))
    adding.start_and_wait()
    one.commit()
    adding.join()
    assert adding.results == ["entry_after_seal"]
    assert balances(current, savings, of_bob) == [FUNDS_MINOR - 100, 100, FUNDS_MINOR]
    assert all(finding.is_clean for finding in audit())


def test_a_session_with_an_older_snapshot_adds_nothing(sessions, current, savings, of_bob):
    one, other = sessions
    keep_snapshot(other)
    new = post_and_seal(one, current, savings)
    one.commit()
    assert add(other, new, of_bob) == "entry_after_seal"
    assert balances(current, savings, of_bob) == [FUNDS_MINOR - 100, 100, FUNDS_MINOR]


def test_a_session_that_does_not_see_the_exchange_reverses_no_half(sessions, alice, current):
    _, other = sessions
    euro = funded(alice, "Travel", "EUR", amount_minor=0)
    set_rate()
    keep_snapshot(other)
    half = exchanged(alice, current, euro).sold
    header = "INSERT INTO ledger_transaction VALUES (%s, 'GBP', 'reversal', '', now(), %s)"
    assert refused_by(other, header, [uuid7(), half.pk]) == "exchange_not_reversible"
