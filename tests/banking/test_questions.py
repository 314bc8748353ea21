"""A user asks about a transaction and staff answer. Officers get an email about a reversal that waits for approval."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from banking import oversight
from banking.accounts.personal_data import export
from banking.models import AccountAccess, LedgerEntry, ReversalRequest, Role, TransactionQuestion
from banking.oversight import Officer
from banking.oversight.own_money import OwnMoney
from banking.oversight.questions import AlreadyAnswered
from config.bank.staff_tasks import waiting_for
from oauth.models import AuditEvent
from tests.banking.test_web_account import logged_in, page_of
from tests.lib.bank_notices import sent_notices
from tests.lib.pages import check as check_page
from tests.lib.staff import browser_of, officer, staff
from tests.lib.web_bank import soup, text

pytestmark = pytest.mark.django_db
ASKED = {"kind": "unknown", "text": "I was never in this shop."}


@pytest.fixture
def where(current):
    """Returns the URL of the page of a transaction of Alice."""
    return page_of(current, LedgerEntry.objects.filter(account=current).latest("account_seq").transaction_id)


@pytest.fixture
def clerk(db):
    return officer("clerk", "answer_transactionquestion")


@pytest.fixture
def question(browser, where):
    assert browser.post(f"{where}/ask", ASKED)["Location"] == where
    return TransactionQuestion.objects.get()


def test_a_user_asks_and_reads_the_answer_on_the_page(browser, where, question, clerk, alice):
    page = browser.get(where)
    check_page(page)
    assert "I was never in this shop." in text(page)
    assert "We are looking at it" in text(page)
    assert soup(page).select_one("form[action$='/ask']") is None
    staffs = browser_of(clerk)
    act = f"/admin/banking/transactionquestion/{question.pk}/answer/"
    assert "I was never in this shop." in staffs.get(act).content.decode()
    assert staffs.post(act, {"answer": "The shop trades as Corner Café."}).status_code == 302
    page = browser.get(where)
    assert "The shop trades as Corner Café." in text(page)
    assert soup(page).select_one("form[action$='/ask']") is not None  # they may ask again
    event = AuditEvent.objects.get(endpoint="bank.question_answered")
    assert (event.user, event.actor) == (str(alice.pk), str(clerk.pk))
    assert dict(export(alice))["questions about transactions"][0]["answer"] == "The shop trades as Corner Café."


def test_emails_go_out_without_personal_data(clerk, question, alice):
    assert sent_notices("question_asked") == {clerk.email}
    oversight.answer_question(question.pk, "It was Bob.", by=Officer(clerk))
    assert sent_notices("question_answered") == {alice.email}
    for message in mail.outbox:
        assert "Bob" not in message.body
        assert "shop" not in message.body
        assert "Alice" not in message.body


def test_it_waits_in_the_worklist_of_those_who_may_answer(question, clerk, alice):
    assert [(task.label, task.count) for task in waiting_for(clerk)] == [("Questions about transactions", 1)]
    AccountAccess.objects.create(account=question.account, user=clerk, role=Role.READER)
    assert not list(waiting_for(clerk))


def test_the_role_support_answers_and_an_auditor_does_not(question):
    act = f"/admin/banking/transactionquestion/{question.pk}/answer/"
    assert browser_of(staff("Auditor")).get("/admin/banking/transactionquestion/").status_code == 200
    assert browser_of(staff("Auditor")).post(act, {"answer": "x"}).status_code == 403
    assert browser_of(staff("Support")).post(act, {"answer": "x"}).status_code == 302


def test_an_officer_with_access_to_the_account_does_not_answer(question, clerk):
    AccountAccess.objects.create(account=question.account, user=clerk, role=Role.READER)
    with pytest.raises(OwnMoney):
        oversight.answer_question(question.pk, "x", by=Officer(clerk))


def test_a_question_is_answered_once(question, clerk):
    oversight.answer_question(question.pk, "first", by=Officer(clerk))
    with pytest.raises(AlreadyAnswered):
        oversight.answer_question(question.pk, "second", by=Officer(clerk))
    assert TransactionQuestion.objects.get().answer == "first"


def test_one_question_at_a_time(browser, where, question):
    answer = browser.post(f"{where}/ask", {"kind": "amount", "text": "Again"})
    assert answer.status_code == 409
    assert "You have already asked about this transaction" in text(answer)
    assert TransactionQuestion.objects.count() == 1


def test_other_holders_do_not_see_it(browser, bob, current, where, question):
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    assert "never in this shop" not in logged_in(bob).get(where).content.decode()
    assert logged_in(bob).post(f"{where}/ask", {"kind": "amount", "text": "Mine"}).status_code == 303


def test_nobody_asks_about_a_transaction_of_others(browser, bob, where):
    assert logged_in(bob).post(f"{where}/ask", ASKED).status_code == 404
    assert not TransactionQuestion.objects.exists()


@pytest.mark.parametrize("given", [{"kind": "x", "text": "y"}, {"kind": "unknown", "text": " "}, {}])
def test_the_form_shows_a_mistake_and_keeps_the_input(browser, where, given):
    answer = browser.post(f"{where}/ask", given)
    assert answer.status_code == 400
    check_page(answer)
    assert soup(answer).select_one("details[open] .errorlist") is not None


def test_what_is_asked_is_text_and_has_no_invisible_characters(browser, where):
    assert browser.post(f"{where}/ask", {"kind": "question", "text": "Hi\u202e there"}).status_code == 400
    browser.post(f"{where}/ask", {"kind": "question", "text": "<b>Hi</b> there"})
    assert TransactionQuestion.objects.get().text == "<b>Hi</b> there"
    assert "<b>Hi</b>" not in browser.get(where).content.decode()


def test_an_old_transaction_needs_a_fresh_login(browser, where, monkeypatch, settings):
    settings.STEP_UP_MAX_AGE = timedelta(0)
    monkeypatch.setattr("banking.web.transactions.needs_fresh_login", lambda at: True)
    answer = browser.post(f"{where}/ask", ASKED)
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not TransactionQuestion.objects.exists()


def test_the_database_refuses_an_answer_without_an_officer(question):
    with pytest.raises(IntegrityError), transaction.atomic():
        TransactionQuestion.objects.update(status="answered", answer="x")


# --- a reversal that waits for a second officer


def test_those_who_may_approve_a_reversal_get_an_email(current, bob):
    asker = officer("asker", "request_reversal", "approve_reversal")
    second = officer("second", "approve_reversal")
    reader = officer("reader", "approve_reversal")
    AccountAccess.objects.create(account=current, user=reader, role=Role.READER)
    entry = LedgerEntry.objects.filter(account=current).latest("account_seq")
    oversight.request_reversal(entry.transaction_id, by=Officer(asker), reason="Paid to the wrong Bob")
    assert sent_notices("reversal_requested") == {second.email}
    assert "Bob" not in mail.outbox[-1].body


def test_the_transaction_shows_the_state_of_its_reversal(current):
    asker, second = officer("asker", "request_reversal"), officer("second", "approve_reversal")
    entry = LedgerEntry.objects.filter(account=current).latest("account_seq")
    oversight.request_reversal(entry.transaction_id, by=Officer(asker), reason="x")
    url = f"/admin/banking/ledgertransaction/{entry.transaction_id}/change/"
    page = browser_of(second).get(url).content.decode()
    request = ReversalRequest.objects.get()
    assert f'<a href="/admin/banking/reversalrequest/{request.pk}/change/">Waits for a second officer</a>' in page
    assert f"asked by {asker.email}" in page
    oversight.decline_reversal(request.pk, by=Officer(second), reason="No")
    page = browser_of(second).get(url).content.decode()
    assert "Declined</a>" in page
    assert f"decided by {second.email}" in page
