"""A statement as PDF has the same numbers as the CSV, works with screen readers, and is made within limits."""

import csv
import io
import re
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone, translation

from banking.accounts import statement_pdf
from banking.accounts.months import Month
from banking.accounts.statement_csv import csv_lines
from banking.accounts.statements import Statement
from banking.checks import check_fonts
from banking.models import Account, LedgerEntry
from banking.notation import bank_day
from banking.web import statements
from tests.banking.test_statement_csv import ROW
from tests.lib.web_bank import soup

pypdf = pytest.importorskip("pypdf")
typst = pytest.importorskip("typst")
OCTOBER = Month(2026, 10)
ACCOUNT = Account(name="Everyday", iban="GB33BUKB20201555555555", currency="EUR", opened_at=timezone.now())


def statement(*rows, opening=123461, closing=5):
    return Statement(
        OCTOBER.begins_at, OCTOBER.ends_at, 1, len(rows), opening_minor=opening, closing_minor=closing,
        entries=LedgerEntry.objects.none(), month=OCTOBER,
    )  # fmt: skip


def made(*rows, language="en-gb", account=ACCOUNT):
    with translation.override(language):
        return statement_pdf.pdf_of(account, "Alice Archer", statement(*rows), rows, bank="Demo Bank")


def read(file):
    return pypdf.PdfReader(io.BytesIO(file))


def text_of(file):
    return "\n".join(page.extract_text() for page in read(file).pages)


@pytest.mark.parametrize("language", ["en-gb", "de"])
def test_it_has_the_numbers_of_the_csv(language):
    rows = [ROW, {**ROW, "amount_minor": 987654321, "balance_after_minor": -7, "account_seq": 2}]
    text = text_of(made(*rows, language=language))
    with translation.override(language):
        lines = list(csv.DictReader(csv_lines(statement(*rows), "EUR", rows)))
    numbers = [re.sub(r"\D", "", number) for number in re.findall(r"\d[\d.,]*[.,]\d\d\b", text)]
    in_order = iter(numbers)
    for line in lines:
        for column in ("amount", "balance_after"):
            if line[column]:
                wanted = re.sub(r"\D", "", line[column])
                assert wanted in in_order, (column, line)
    assert ("1,234.61" if language == "en-gb" else "1.234,61") in text
    assert "-9" not in text.replace("-1", "")
    assert "-1,234.56" in text or "-1.234,56" in text


def test_it_names_account_holder_and_bank_and_masks_the_other_side():
    text = text_of(made(ROW))
    for words in (
        "Account statement",
        "Everyday",
        "Alice Archer",
        "GB33 BUKB 2020 1555 5555 55",
        "Demo Bank",
        "Bob, Ltd",
    ):
        assert words in text, words
    assert "DE89370400440532013000" not in text.replace(" ", "")


def test_a_screen_reader_can_read_it():
    """ISO 14289-1 (PDF/UA-1): tagged, with a title and a language; Typst refuses to write it otherwise."""
    reader = read(made(ROW, language="de"))
    catalog = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert catalog["/Lang"] == "de"
    assert reader.metadata.title == "Kontoauszug"
    assert b"pdfuaid:part" in catalog["/Metadata"].get_data()


def test_text_of_others_is_shown_and_never_run():
    markup = '#read("/etc/passwd") *bold* $x$ <label> @ref \\ "'
    text = text_of(made({**ROW, "transaction__description": markup, "counterparty_name": "#panic()"}))
    assert '#read("/etc/passwd") *bold* $x$ <label> @ref \\ "' in re.sub(r"\s+", " ", text)
    assert "#panic()" in text


def test_a_letter_that_no_font_has_makes_no_error():
    """The PDF is tagged, but not marked as PDF/UA."""
    reader = read(made({**ROW, "counterparty_name": "𓀀 \U0001e900"}))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_a_language_without_a_font_is_english(monkeypatch):
    monkeypatch.setattr(statement_pdf, "_can_write", lambda language: not language.startswith("zh"))
    assert "Account statement" in text_of(made(ROW, language="zh-hans"))


def test_a_span_with_too_much_in_it_is_refused():
    too_much = replace(statement(), last_seq=statement_pdf.MOST_ROWS + 1)
    with pytest.raises(statement_pdf.TooManyRows):
        statement_pdf.pdf_of(ACCOUNT, "", too_much, [], bank="")


def test_one_is_made_at_a_time(monkeypatch):
    """The second request waits for a while and is then refused with Retry-After."""
    monkeypatch.setattr(statement_pdf, "PATIENCE_SECONDS", 0)
    started, may_end = threading.Event(), threading.Event()

    def slowly(document):
        started.set()
        assert may_end.wait(10)
        return b""

    monkeypatch.setattr(statement_pdf, "_compiled", slowly)
    first = threading.Thread(target=made)
    first.start()
    assert started.wait(10)
    with pytest.raises(statement_pdf.Busy):
        made()
    may_end.set()
    first.join()
    assert made() == b""


# --- from the pages


@pytest.fixture
def month(browser, current):
    """The address of the statement of the last closed month."""
    Account.objects.filter(pk=current.pk).update(opened_at=timezone.now() - timedelta(days=70))
    return soup(browser.get(f"/bank/accounts/{current.pk}/statements")).select_one(".rows a")["href"]


@pytest.mark.django_db
def test_a_month_is_downloaded(browser, current, month):
    answer = browser.get(f"{month}.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="statement-{month.rsplit("/", 1)[1]}.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert current.name in text_of(answer.content)
    assert f'href="{month}.pdf"' in browser.get(month).content.decode()


@pytest.mark.django_db
def test_any_days_are_downloaded(browser, current):
    today = bank_day.today()
    answer = browser.get(f"/bank/accounts/{current.pk}/export?since={today}&until={today}&format=pdf")
    assert answer["Content-Disposition"] == f'attachment; filename="transactions-{today}-{today}.pdf"'
    assert "100.00" in text_of(answer.content)


@pytest.mark.django_db
def test_somebody_elses_is_not_there(browser, of_bob, month):
    Account.objects.filter(pk=of_bob.pk).update(opened_at=timezone.now() - timedelta(days=70))
    assert browser.get(f"/bank/accounts/{of_bob.pk}/statements/{month.rsplit('/', 1)[1]}.pdf").status_code == 404


@pytest.mark.django_db
def test_a_month_of_long_ago_needs_a_fresh_login(browser, current, settings):
    Account.objects.filter(pk=current.pk).update(opened_at=timezone.now() - timedelta(days=400))
    settings.STEP_UP_MAX_AGE = timedelta(0)
    long_ago = timezone.localtime(timezone.now() - timedelta(days=200))
    month = Month(long_ago.year, long_ago.month)
    answer = browser.get(f"/bank/accounts/{current.pk}/statements/{month}.pdf")
    assert (answer.status_code, answer["Location"].startswith("/accounts/reauthenticate/")) == (303, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [(statement_pdf.TooManyRows, 400, "at most 2000 transactions"), (statement_pdf.Busy, 429, "wait a minute")],
)
def test_the_page_says_why_there_is_none(browser, month, monkeypatch, trouble, status, words):
    def refuse(*_args, **_kwargs):
        raise trouble

    monkeypatch.setattr(statements, "pdf_of", refuse)
    answer = browser.get(f"{month}.pdf")
    assert answer.status_code == status
    assert words in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("clock_stands")
def test_the_number_of_pdfs_of_one_user_is_limited(browser, month, monkeypatch):
    monkeypatch.setattr(statements, "pdf_of", lambda *_args, **_kwargs: b"")
    statuses = [browser.get(f"{month}.pdf").status_code for _ in range(statements.PDFS.most + 1)]
    assert set(statuses[:-1]) == {200}
    assert statuses[-1] == 429


# --- fonts


@pytest.fixture
def installed(monkeypatch):
    """Sets which font families are installed."""

    def say(*families):
        statement_pdf.font_of.cache_clear()
        monkeypatch.setattr(typst, "Fonts", lambda: SimpleNamespace(families=lambda: [*families]))

    yield say
    statement_pdf.font_of.cache_clear()


def test_chinese_is_set_in_the_chinese_forms_of_the_letters(installed):
    """The Japanese and Korean families have other forms of the same letters."""
    installed("Libertinus Serif", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Serif CJK SC")
    assert statement_pdf.font_of("zh-hans") == "Noto Sans CJK SC"
    assert statement_pdf.font_of("de") is None


def test_a_check_says_which_language_has_no_font(installed):
    installed("Libertinus Serif")
    [message] = check_fonts()
    assert (message.id, "zh-hans" in message.msg) == ("banking.I001", True)
    installed("WenQuanYi Micro Hei")
    assert check_fonts() == []
