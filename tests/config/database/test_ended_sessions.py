"""Sessions that PostgreSQL has ended are outages of one connection, not bugs."""

import select

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from banking.database.jobs import defer
from banking.ledger.retry import in_transaction
from config import urls
from oauth.infrastructure import outage
from tests.lib.servers import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def idle():
    """Waits until PostgreSQL has ended the session of this idle transaction. The time limit applies to this transaction
    only.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
    server = select.poll()
    server.register(connection.connection.fileno(), select.POLLRDHUP)
    assert server.poll(PATIENCE_SECONDS * 1000), "the server did not hang up"


def idle_and_ask(request=None):
    with transaction.atomic():
        idle()
        ask()
    return HttpResponse()


failing = [path(f"{room}idle", idle_and_ask) for room in ("", "oauth/", "api/v1/")]
urlpatterns = [*failing, *urls.urlpatterns]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def test_a_session_that_idled_in_a_transaction_is_a_lost_connection():
    with pytest.raises(OperationalError) as lost:
        idle_and_ask()
    assert lost.value.__cause__.sqlstate in ("25P03", None)  # None: psycopg saw the end before it read the reason
    ask()  # on another connection


@pytest.mark.parametrize("error", outage.ENDED_SESSION)
def test_whatever_says_that_the_session_ended_is_a_lost_connection(error, monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(connection, "errors_occurred", False)
    with pytest.raises(OperationalError), connection.wrap_database_errors:
        raise error("the session ended")
    assert connection.errors_occurred


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/idle", "/oauth/idle", "/api/v1/idle"])
def test_its_request_may_be_repeated(address):
    answer = Client(raise_request_exception=False).get(address)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_money_moves_again_after_it():
    """Nothing was committed."""
    runs = []

    def work():
        runs.append(None)
        if len(runs) == 1:
            idle()
        ask()

    in_transaction(work)
    assert len(runs) == 2


def test_a_job_that_finds_it_is_a_lost_connection_too():
    @transaction.atomic
    def work():
        idle()
        defer("banking.deliver_webhook", delivery_id="x")

    with pytest.raises(OperationalError):
        work()


def test_a_server_that_has_become_a_standby_is_away():
    @transaction.atomic
    def work():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("DELETE FROM oauth_client")

    with pytest.raises(OperationalError) as refused:
        work()
    assert refused.value.__cause__.sqlstate == "25006"
