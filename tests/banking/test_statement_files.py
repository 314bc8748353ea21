"""Long statements are files that the background worker makes. A file is either complete or does not exist, and only the
user who asked for it can read it.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import statement_files, tasks
from banking.account_life.access import end_access
from banking.account_life.leaving import LeavingTheBank
from banking.accounts.opening import internal_account, open_account
from banking.accounts.personal_data import export
from banking.api.statements import json_text
from banking.ledger import post
from banking.models import Account, AccountAccess, Role, StatementFile
from banking.statement_files import making
from banking.statement_files.asking import MOST_WAITING
from tests.lib.bank_notices import sent_notices
from tests.lib.login import logged_in
from tests.lib.pages import check as check_page
from tests.lib.web_bank import soup, text

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SHORT, LONG = "2026-09", "2026-10"


@pytest.fixture(autouse=True)
def november():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    """Stores files in a directory, as in production. A statement with three or more transactions is made as a file."""
    settings.STATEMENT_FILE_ROWS = 2
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "files": backend}
    return tmp_path / "statements"


@pytest.fixture
def account(alice):
    account = open_account(alice, name="Everyday", currency="GBP")
    Account.objects.filter(pk=account.pk).update(opened_at=datetime(2026, 8, 3, tzinfo=UTC))
    world = internal_account("GBP", "Clearing")
    for month, amount, what in ((8, 9000, "Salary"), (10, -1250, "Rent"), (10, -350, "Coffee"), (10, 20, "Interest")):
        at = datetime(2026, month, 5, tzinfo=UTC)
        post([(account, amount), (world, -amount)], description=what, kind="test", created_at=at)
    return account


@pytest.fixture
def read(access_token, api, alice, account):
    answers = []

    def get(month=LONG, *, user=alice, **headers):
        client = api(access_token(user, "accounts:read statements:read", auth_time=NOW))
        answers.append(client.get(f"/api/v1/accounts/{account.pk}/statements/{month}", headers=headers))
        return answers[-1]

    yield get
    for answer in answers:
        answer.close()


def work():
    """Runs the jobs that make the requested files."""
    waiting = ProcrastinateJob.objects.filter(task_name=statement_files.TASK)
    arguments = list(waiting.order_by("id").values_list("args", flat=True))
    for one in arguments:
        tasks.make_statement_file(**one)
    waiting.delete()
    return len(arguments)


def names(folder):
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


# --- apps


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_an_app_waits_for_a_long_statement_and_gets_what_a_short_one_would_be(read, settings, files, accept):
    first = read(Accept=accept)
    assert (first.status_code, first.content) == (202, b"")
    assert first["Location"] == first.wsgi_request.path
    assert int(first["Retry-After"]) > 0
    assert "Content-Type" not in first
    assert read(Accept=accept).status_code == 202
    assert work() == 1  # asked for twice, made once
    ready = read(Accept=accept)
    assert read(Accept=accept, **{"If-None-Match": ready["ETag"]}).status_code == 304
    settings.STATEMENT_FILE_ROWS = 3
    streamed = read(Accept=accept)
    body = streamed.getvalue()
    assert ready.getvalue() == body
    assert int(ready["Content-Length"]) == len(body)
    for header in ("Content-Type", "ETag", "Cache-Control"):
        assert ready[header] == streamed[header]
    assert ready.get("Content-Disposition") == streamed.get("Content-Disposition")
    assert mail.outbox == []  # the app asks, nobody is told


def test_a_file_costs_few_statements(read, django_assert_num_queries, monkeypatch):
    read()
    asked = StatementFile.objects.get()
    monkeypatch.setattr(making, "_ROWS_AT_ONCE", 2)
    # the row, the access, the boundaries, three batches of rows, and BEGIN and COMMIT
    with django_assert_num_queries(9):
        statement_files.make(asked.pk, json_text)


def test_short_ones_need_no_file(read):
    assert read(SHORT).status_code == 200
    assert not StatementFile.objects.exists()


def test_without_a_place_for_files_it_is_streamed(read, settings):
    settings.STORAGES = {name: one for name, one in settings.STORAGES.items() if name != "files"}
    assert read().status_code == 200
    assert statement_files.delete_old() == 0


def test_a_user_who_loses_the_account_gets_no_file(read, account, alice, bob, files):
    """API1 of the OWASP API list. Bob may see the account for a while."""
    AccountAccess.objects.create(account=account, user=bob, role=Role.READER)
    read()
    read(user=bob)
    assert work() == 2  # each user has their own file
    assert read(user=bob).status_code == 200
    end_access(account.pk, bob.pk, by=alice.pk)
    assert read(user=bob).status_code == 404
    assert statement_files.delete_old() == 1
    assert [name[:36] for name in names(files)] == [str(StatementFile.objects.get(user=alice).pk)]


def test_no_file_is_made_for_a_user_who_lost_the_account_meanwhile(read, account, alice, bob, files):
    AccountAccess.objects.create(account=account, user=bob, role=Role.READER)
    read(user=bob)
    end_access(account.pk, bob.pk, by=alice.pk)
    work()
    assert names(files) == []
    assert not StatementFile.objects.exists()


def test_the_number_of_waiting_files_of_a_user_is_limited(read, alice, account):
    for number in range(MOST_WAITING):
        wish = statement_files.Wish(
            alice.pk, account.pk, StatementFile.Form.CSV, str(number), NOW, NOW + timedelta(days=1)
        )
        assert statement_files.ask(wish) is not None
    assert read().status_code == 202
    assert StatementFile.objects.count() == MOST_WAITING
    work()
    assert read().status_code == 202
    work()
    assert read().status_code == 200


# --- interrupted


def test_a_worker_that_dies_leaves_nothing_that_is_read(read, files):
    """The next attempt makes the file again, and the incomplete file is deleted."""
    read()
    asked = StatementFile.objects.get()

    def half(*about):
        yield next(json_text(*about))
        raise MemoryError

    with pytest.raises(MemoryError):
        statement_files.make(asked.pk, half)
    storages["files"].save(f"statements/{asked.pk}.json", ContentFile(b'{"half": '))  # killed while it was copied
    assert read().status_code == 202
    statement_files.delete_old()
    assert len(names(files)) == 1  # another worker may be writing this file
    work()
    whole = read()
    assert json.loads(whole.getvalue())["transactions"][2]["description"] == "Interest"
    statement_files.delete_old()
    asked.refresh_from_db()
    assert names(files) == [asked.name.removeprefix("statements/")]
    assert asked.size_bytes == (files / names(files)[0]).stat().st_size


def test_two_workers_at_once_leave_one_file(read, files):
    read()
    asked = StatementFile.objects.get()

    def slowly(*about):
        statement_files.make(asked.pk, json_text)  # the other one is faster
        yield from json_text(*about)

    statement_files.make(asked.pk, slowly)
    asked.refresh_from_db()
    assert names(files) == [asked.name.removeprefix("statements/")]


@pytest.mark.parametrize("damage", ["lost", "short"])
def test_a_file_that_the_storage_has_lost_is_made_again(read, files, damage):
    read()
    work()
    [path] = files.iterdir()
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert read().status_code == 202
    read()
    assert work() == 1
    assert read().status_code == 200


def test_a_storage_that_is_away_is_503(read, monkeypatch):
    read()
    work()
    monkeypatch.setattr(storages["files"].__class__, "_open", lambda *_: (_ for _ in ()).throw(OSError("stale handle")))
    answer = read()
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "temporarily_unavailable", "10")
    assert StatementFile.objects.exists()


# --- expired files


def test_a_file_is_deleted_after_seven_days_and_made_anew_when_asked_for(read, files, november):
    read()
    work()
    november.move_to(NOW + statement_files.FILES_KEPT - timedelta(seconds=1))
    tasks.clean_up(0)
    assert len(names(files)) == 1
    november.move_to(NOW + statement_files.FILES_KEPT)
    tasks.clean_up(0)
    assert names(files) == []
    assert not StatementFile.objects.exists()


def test_what_is_past_its_time_is_not_read_before_it_is_deleted(browser, read, account, november):
    ask(browser, account, month=LONG)
    read()
    work()
    [link] = links(browser, account)
    november.move_to(NOW + statement_files.FILES_KEPT)
    assert read().status_code == 202
    assert logged_in(StatementFile.objects.first().user).get(link).status_code == 404


def test_what_was_never_made_is_given_up_after_a_day(read, november):
    read()
    november.move_to(NOW + statement_files.PATIENCE)
    work()
    assert not StatementFile.objects.exclude(name="").exists()
    assert statement_files.delete_old() == 1


def test_files_of_others_in_the_folder_stay(files):
    files.mkdir()
    (files / "README").write_text("ours")
    statement_files.delete_old()
    assert names(files) == ["README"]


def test_the_files_of_a_user_who_leaves_the_bank_are_deleted(read, account, alice, files):
    read()
    work()
    assert dict(export(alice))["statement files"][0]["account_id"] == account.pk
    world = internal_account("GBP", "Clearing")
    post([(account, -7420), (world, 7420)], description="Paid out", kind="test")
    assert list(LeavingTheBank().leave(alice.pk, alice.email)) == []
    statement_files.delete_old()
    assert names(files) == []


# --- the web bank


def ask(browser, account, **asked):
    answer = browser.post(f"/bank/accounts/{account.pk}/statement-files", asked)
    assert (answer.status_code, answer["Location"]) == (303, f"/bank/accounts/{account.pk}/statements")
    return browser.get(answer["Location"])


def links(browser, account):
    page = soup(browser.get(f"/bank/accounts/{account.pk}/statements"))
    return [link["href"] for link in page.select("a[href^='/bank/statement-files/']")]


def test_a_user_asks_for_a_long_statement_and_is_told_when_it_is_ready(browser, account, alice):
    address = f"/bank/accounts/{account.pk}/statements/{LONG}"
    page = browser.get(address)
    check_page(page)
    assert "That is too many for a page" in text(page)
    offer = browser.get(f"{address}.csv")
    check_page(offer)
    assert "This statement has 3 transactions." in text(offer)
    assert not StatementFile.objects.exists()  # a GET request starts no job
    form = soup(offer).select_one("main form")
    fields = {one["name"]: one["value"] for one in form.select("input[name]") if one["name"] != "csrfmiddlewaretoken"}
    assert form["action"] == f"/bank/accounts/{account.pk}/statement-files"
    waiting = ask(browser, account, **fields)
    check_page(waiting)
    assert text(waiting).count("We email you when it is ready.") == 2  # the message, and the row
    assert links(browser, account) == []
    work()
    assert sent_notices("statement_ready") == {alice.email}
    assert "Everyday" in mail.outbox[-1].body
    [link] = links(browser, account)
    check_page(browser.get(f"/bank/accounts/{account.pk}/statements"))
    file = browser.get(link)
    rows = file.getvalue().decode()
    file.close()
    assert file["Content-Disposition"] == f'attachment; filename="statement-{LONG}.csv"'
    assert (file["Content-Type"], file["Cache-Control"]) == ("text/csv; charset=utf-8", "private, no-store")
    assert rows.startswith("\ufeffbooked_at,description")
    assert [what in rows for what in ("Rent", "Coffee", "Interest", "Salary")] == [True, True, True, False]


def test_any_days_in_the_notation_of_the_page(browser, account):
    german = {"headers": {"Accept-Language": "de"}}
    offer = browser.get(f"/bank/accounts/{account.pk}/export?since=2026-10-01&until=2026-10-05", **german)
    form = soup(offer).select_one("main form")
    fields = {one["name"]: one["value"] for one in form.select("input[name]") if one["name"] != "csrfmiddlewaretoken"}
    assert fields == {"since": "2026-10-01", "until": "2026-10-05"}
    browser.post(form["action"], fields, **german)
    work()
    file = browser.get(links(browser, account)[0])
    assert file["Content-Disposition"] == 'attachment; filename="transactions-2026-10-01-2026-10-05.csv"'
    rows = file.getvalue().decode()
    file.close()
    assert ";Rent;" in rows
    assert ";12,50;" in rows


def test_a_file_is_only_its_users(browser, account, bob, alice):
    """API1 of the OWASP API list: another user who may see the same account cannot read the file either."""
    AccountAccess.objects.create(account=account, user=bob, role=Role.READER)
    ask(browser, account, month=LONG)
    work()
    [link] = links(browser, account)
    bobs = logged_in(bob)
    assert bobs.get(link).status_code == 404
    assert links(bobs, account) == []
    ask(bobs, account, month=LONG)
    work()
    [bobs_link] = links(bobs, account)
    end_access(account.pk, bob.pk, by=alice.pk)
    assert bobs.get(bobs_link).status_code == 404
    assert bobs.post(f"/bank/accounts/{account.pk}/statement-files", {"month": LONG}).status_code == 404


def test_an_apps_file_is_not_in_the_list_and_not_read_by_a_browser(browser, read, account):
    read()
    work()
    assert links(browser, account) == []
    assert browser.get(f"/bank/statement-files/{StatementFile.objects.get().pk}").status_code == 404


def test_a_file_that_is_not_made_yet_is_404(browser, account):
    ask(browser, account, month=LONG)
    assert browser.get(f"/bank/statement-files/{StatementFile.objects.get().pk}").status_code == 404


def test_a_link_asks_for_nothing(browser, account):
    """ASVS 5.0 3.5.1: only a form with a CSRF token can request a file."""
    assert browser.get(f"/bank/accounts/{account.pk}/statement-files?month={LONG}").status_code == 405


@pytest.mark.parametrize(
    "asked", [{}, {"month": "2999-01"}, {"month": "x"}, {"since": "2026-10-02", "until": "2026-10-01"}]
)
def test_nonsense_is_404(browser, account, asked):
    assert browser.post(f"/bank/accounts/{account.pk}/statement-files", asked).status_code == 404


def test_a_short_one_is_not_made(browser, account):
    ask(browser, account, month=SHORT)
    assert not StatementFile.objects.exists()


def test_many_are_refused(browser, account, monkeypatch):
    monkeypatch.setattr("banking.statement_files.asking.MOST_WAITING", 0)
    assert "You have asked for many statements." in text(ask(browser, account, month=LONG))


def test_the_page_says_that_the_storage_has_lost_a_file(browser, account, files):
    ask(browser, account, month=LONG)
    work()
    [link] = links(browser, account)
    next(files.iterdir()).unlink()
    answer = browser.get(link, follow=True)
    assert "We cannot find the file at the moment." in text(answer)
    assert links(browser, account) == []


def test_what_is_old_needs_a_fresh_login(browser, account, settings, november):
    """SCA-RTS art. 10, as for the statement itself."""
    ask(browser, account, month=LONG)
    work()
    [link] = links(browser, account)
    settings.HISTORY_WITHOUT_STEP_UP = timedelta(days=30)
    november.shift(timedelta(minutes=10))
    settings.STEP_UP_MAX_AGE = timedelta(minutes=5)
    assert browser.get(link)["Location"].startswith("/accounts/reauthenticate/")
    answer = browser.post(f"/bank/accounts/{account.pk}/statement-files", {"month": LONG})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
