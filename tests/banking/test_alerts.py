"""The emails that a user gets. Those that warn of other people's actions cannot be turned off, whatever a form
sends.
"""

import pytest

from banking.models import MutedNotice
from banking.notices import enqueue_notice, topics
from banking.notices.kinds import Kind
from banking.notices.topics import KINDS, Topic
from tests.banking.test_direct_debits import lodged
from tests.lib.bank_notices import sent_notices
from tests.lib.login import logged_in
from tests.lib.pages import check
from tests.lib.web_bank import soup, text

pytestmark = pytest.mark.django_db
HERE = "/bank/alerts"

#: Emails about actions that somebody else may have done, decisions of staff, and requests of the user.
ALWAYS = {
    Kind.NEW_PAYEE, Kind.LARGE_PAYMENT, Kind.LARGE_EXCHANGE, Kind.RATE_REQUESTED, Kind.LIMIT_RAISED, Kind.NEW_ORDER, Kind.NEW_DIRECT_DEBIT, Kind.ACCESS_GIVEN,
    Kind.ACCESS_ENDED, Kind.OVERDRAFT_CHANGED, Kind.ACCOUNT_CLOSED, Kind.INVITED, Kind.APPLICATION_MADE,
    Kind.CHANGE_REQUESTED, Kind.QUESTION_ANSWERED, Kind.QUESTION_ASKED, Kind.REVERSAL_REQUESTED,
    Kind.STATEMENT_READY,
}  # fmt: skip


@pytest.fixture
def web(alice):
    return logged_in(alice)


def ticked(page):
    return {field["value"] for field in soup(page).select("input[name=topics][checked]")}


def test_a_user_turns_emails_off_and_on(web, alice, current):
    page = web.get(HERE)
    check(page)
    assert ticked(page) == set(Topic.values)
    answer = web.post(HERE, {"topics": ["orders", "accounts"]})
    assert (answer.status_code, answer["Location"]) == (303, HERE)
    assert ticked(web.get(HERE)) == {"orders", "accounts"}
    mandate = lodged(current)
    enqueue_notice(Kind.REFUNDED, mandate.pk, to=alice.pk)
    assert sent_notices("refunded") == set()
    web.post(HERE, {"topics": ["direct_debits"]})
    enqueue_notice(Kind.REFUNDED, mandate.pk, to=alice.pk)
    assert sent_notices("refunded") == {alice.email}
    assert not MutedNotice.objects.filter(topic="direct_debits").exists()


def test_what_warns_of_others_cannot_be_turned_off(web, alice, current):
    web.post(HERE)
    assert ticked(web.get(HERE)) == set()
    lodged(current)
    assert sent_notices("new_direct_debit") == {alice.email}
    assert all(topics.is_wanted(kind, alice.pk) for kind in ALWAYS)


def test_each_kind_is_of_one_topic_or_always_sent():
    """A kind that is added later is sent until somebody decides."""
    of_topics = [kind for kinds in KINDS.values() for kind in kinds]
    assert len(of_topics) == len(set(of_topics))
    assert set(of_topics) | ALWAYS == set(Kind)
    assert not set(of_topics) & ALWAYS


def test_a_topic_that_there_is_not_is_refused(web):
    answer = web.post(HERE, {"topics": ["new_payee"]})
    assert answer.status_code == 400
    check(answer)
    assert not MutedNotice.objects.exists()


def test_the_choice_is_of_one_user(web, alice, bob, of_bob):
    web.post(HERE)
    mandate = lodged(of_bob)
    enqueue_notice(Kind.REFUNDED, mandate.pk, to=bob.pk)
    assert sent_notices("refunded") == {bob.email}
    assert "You cannot turn them off" in text(web.get(HERE))
