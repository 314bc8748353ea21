"""The search on the page of an account: how many rows it reads, and what it reveals about old transactions."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from banking.accounts.months import Month
from banking.accounts.opening import internal_account
from banking.accounts.spending import by_category
from banking.ledger import post
from banking.models import Merchant
from banking.oversight import Officer, approve_reversal, request_reversal
from banking.web import found as search
from tests.lib.login import logged_in
from tests.lib.staff import officer
from tests.lib.web_bank import soup, text

pytestmark = pytest.mark.django_db


def paid(current, description, amount_minor=1):
    world = internal_account("GBP", "Clearing")
    return post([(current, -amount_minor), (world, amount_minor)], description=description, kind="card")


@pytest.fixture
def few(monkeypatch):
    """Sets parts of 3 rows, and a search that reads 5 rows."""
    monkeypatch.setattr(search, "PART", 3)
    monkeypatch.setattr(search, "MOST_EXAMINED", 5)


def all_parts(browser, url):
    """Returns the texts of each part, as the user continues."""
    parts = []
    while url:
        page = soup(browser.get(url))
        parts.append([row.get_text() for row in page.select(".rows li > span:first-child > a > bdi")])
        link = page.find("a", string="Older") or page.find("a", string="Search older ones")
        url = link and link["href"]
    return parts


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("query", "parts"),
    [
        # Twelve coffees after the opening: each part looks at five.
        ("q=coffee+00", [[], [], ["Coffee 00"]]),
        ("q=nothing", [[], [], []]),
        ("q=coffee+1", [["Coffee 11", "Coffee 10"], [], []]),
        ("least=50", [[], [], ["Opening"]]),
        ("category=travel", [[], [], []]),
        ("direction=in", [["Opening"]]),
    ],
)
def test_a_part_of_a_search_looks_at_so_many_and_the_user_goes_on(browser, current, query, parts):
    for number in range(12):
        paid(current, f"Coffee {number:02}")
    url = f"/bank/accounts/{current.pk}?{query}"
    assert all_parts(browser, url) == parts
    page = text(browser.get(url))
    assert "Nothing found" not in page
    assert ("We looked at" in page) == (len(parts) > 1)


@pytest.mark.usefixtures("few")
def test_full_parts_of_a_search_neither_skip_nor_repeat(browser, current):
    for number in range(12):
        paid(current, f"Coffee {number:02}")
    seen = [one for part in all_parts(browser, f"/bank/accounts/{current.pk}?q=coffee") for one in part]
    assert seen == [f"Coffee {number:02}" for number in reversed(range(12))]


def test_a_search_does_not_tell_whether_something_old_fits(alice, current, settings):
    """SCA-RTS art. 10: it asks for a fresh login either way."""
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        browser = logged_in(alice)
        paid(current, "Coffee")
        settings.STEP_UP_MAX_AGE = timedelta(seconds=-1)
        pages = {
            text(browser.get(f"/bank/accounts/{current.pk}?q={query}")).replace(query, "").partition("Transactions")[2]
            for query in ("Opening", "nothing")
        }
    assert len(pages) == 1
    assert "log in again" in pages.pop()


def test_a_row_has_its_category_and_a_month_its_sums(browser, alice, current):
    Merchant.objects.create(counterparty="Coffee", name="Coffee House", category="eating_out")
    Merchant.objects.create(counterparty="Train", name="Rail", category="transport")
    paid(current, "Coffee", 250)
    paid(current, "Coffee", 150)
    paid(current, "Train", 1_000)
    paid(current, "Unknown", 5)
    first, second = Officer(officer("first", "request_reversal")), Officer(officer("second"))
    wrong = request_reversal(paid(current, "Train", 777).pk, by=first, reason="x")
    approve_reversal(wrong.pk, by=second)
    url = f"/bank/accounts/{current.pk}"
    assert "Eating out" in soup(browser.get(url)).select_one(".rows").get_text()
    month = Month.of(timezone.now())
    page = soup(browser.get(f"{url}?month={month}")).select_one("#spending")
    rows = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in page.select("tbody tr")]
    assert rows == [
        ["Transport", "£10.00", ""], ["Eating out", "£4.00", ""], ["Without a category", "£0.05", "£100.00"],
    ]  # fmt: skip
    assert "Nothing found" not in text(browser.get(f"{url}?month={month}"))
    german = browser.get(f"{url}?month={month}", headers={"Accept-Language": "de"}).content.decode()
    assert "Essen gehen" in german
    empty = soup(browser.get(f"{url}?month={month.before}")).select_one("#spending").get_text()
    assert "No transactions in this month" in empty
    for nonsense in ("x", "2026-13", "0000-01", "9999-12"):
        assert browser.get(f"{url}?month={nonsense}").status_code == 200, nonsense


def test_a_month_with_too_many_transactions_is_not_summed_up(browser, current, monkeypatch):
    monkeypatch.setattr("banking.accounts.spending.MOST_SUMMED", 2)
    month = Month.of(timezone.now())
    paid(current, "Coffee")
    assert by_category(current.pk, month) is not None
    paid(current, "Coffee")
    assert by_category(current.pk, month) is None
    assert "too many transactions" in text(browser.get(f"/bank/accounts/{current.pk}?month={month}"))


def test_the_categories_of_an_old_month_need_a_fresh_login(alice, current, settings):
    browser = logged_in(alice)
    settings.STEP_UP_MAX_AGE = timedelta(seconds=-1)
    answer = browser.get(f"/bank/accounts/{current.pk}?month=2020-01")
    assert (answer.status_code, "reauthenticate" in answer["Location"]) == (303, True)
