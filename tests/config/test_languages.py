"""Users read their own language on every page, and in emails that somebody else or a background job causes."""

import re

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser

from tests.lib.ledger import funded
from tests.lib.login import try_password
from tests.lib.notices import told
from tests.lib.oauth_client import PASSWORD, authorization_url, decide
from tests.lib.pages import SIGNED_IN, SIGNED_OUT

pytestmark = pytest.mark.django_db
BANK = ["", "accounts/{account}", "accounts/{account}/statements", "transfer", "payees", "orders"]
PAGES = [
    *SIGNED_IN,
    *(f"/bank/{page}" for page in BANK),
    "/accounts/data/",
    "/accounts/2fa/recovery-codes/generate/",
    "/oauth/device",
    "/oauth/requests",
]
PAGES_FOR_ALL = [
    *SIGNED_OUT,
    "/accounts/inactive/",
    "/accounts/password/reset/key/1-x/",
    "/accounts/confirm-email/xx/",
    "/accounts/social/login/cancelled/",
    "/accounts/social/login/error/",
    "/build",
    "/build/mobile",
    "/build/web",
    "/build/browser",
    "/build/service",
    "/build/device",
    "/oauth/authorize",
    "/oauth/logout",
]
each_language = pytest.mark.parametrize("language", ["de", "zh-Hans"])
IN_WORDS = re.compile(r"([^\W\d_]+[ ,:;]+){2}[^\W\d_]+")  # three in a row


def sentences(page):
    """The text that a user reads or hears, except text that is marked as English (names of programs, code) or names a
    place.
    """
    html = BeautifulSoup(page.content, "html.parser")
    for other in html.select(
        "script, [lang=en], [name=time_zone] option, meta[name=viewport], meta[name=color-scheme]"
    ):
        other.decompose()
    found = [text.strip() for text in html.find_all(string=True)]
    found += [one[name] for name in ("aria-label", "title", "placeholder", "alt", "content") for one in html.select(f"[{name}]")]  # fmt: skip
    return {text for text in found if IN_WORDS.search(text)}


def assert_translated(browser, path, language):
    english, other = (browser.get(path, headers={"Accept-Language": spoken}) for spoken in ("en", language))
    assert other.status_code == english.status_code
    assert "Location" not in other
    if not hasattr(other, "streaming_content") and other["Content-Type"].startswith("text/html"):
        assert sentences(english)
        assert BeautifulSoup(other.content, "html.parser").html["lang"].lower() == language.lower()
        assert sentences(english) & sentences(other) == set()


@each_language
@pytest.mark.parametrize("path", PAGES)
def test_no_sentence_of_a_users_page_is_left_in_english(browser, alice, path, language):
    assert_translated(browser, path.format(account=funded(alice, "Everyday").pk), language)


@each_language
@pytest.mark.parametrize("path", PAGES_FOR_ALL)
def test_no_sentence_of_a_page_for_all_is_left_in_english(path, language):
    assert_translated(Browser(), path, language)


@each_language
def test_no_sentence_of_the_consent_page_is_left_in_english(browser, alice, mobile_app, language):
    funded(alice, "Everyday")
    assert_translated(browser, authorization_url(mobile_app, scope="openid profile email accounts:read"), language)
    decide(browser, browser.get(authorization_url(mobile_app)))
    assert_translated(browser, "/oauth/apps", language)


def test_a_sentence_that_stayed_in_english_is_seen(browser):
    with pytest.raises(AssertionError):
        assert_translated(browser, "/accounts/", "fr")


# --- mail


def log_in(user, language):
    browser = Browser(headers={"Accept-Language": language, "User-Agent": f"Browser of {language}"})
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return browser


def language_of(user):
    user.refresh_from_db()
    return user.language


def test_the_language_of_the_last_log_in_is_kept(alice):
    log_in(alice, "de")
    assert language_of(alice) == "de"
    log_in(alice, "zh-Hans")
    assert language_of(alice) == "zh-hans"


def test_a_language_is_chosen_for_mail_too_and_only_one_that_is_there(alice):
    browser = log_in(alice, "en")
    browser.post("/language", {"language": "de"})
    assert language_of(alice) == "de"
    assert 'lang="de"' in browser.get("/").content.decode()
    browser.post("/language", {"language": "x" * 400})
    assert language_of(alice) == "de"
    assert browser.get("/language").status_code == 405
    Browser().post("/language", {"language": "zh-hans"})
    assert language_of(alice) == "de"


def test_choosing_a_language_needs_a_token_against_csrf_and_leads_nowhere_else(alice):
    hostile = Browser(enforce_csrf_checks=True)
    hostile.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert hostile.post("/language", {"language": "de"}).status_code == 403
    assert language_of(alice) == ""
    answer = log_in(alice, "en").post("/language", {"language": "de", "next": "https://evil.example/"})
    assert "evil" not in answer["Location"]


def test_a_notice_of_what_somebody_else_does_is_in_the_language_of_the_owner(alice):
    log_in(alice, "de")
    for _ in range(9):
        try_password(Browser(REMOTE_ADDR="203.0.113.9"), alice, "guess-number-one")  # on pages in English
    assert told(alice.email) == [
        "Ihr Benutzerkonto: Jemand probiert Passwörter für Ihr Benutzerkonto aus. Der Zugang ist nicht gelungen."
    ]
    log_in(alice, "en")  # by somebody who had guessed the password, in another browser
    assert told(alice.email) == ["Ihr Benutzerkonto: Ein neuer Browser hat sich in Ihrem Benutzerkonto angemeldet."]


def test_a_log_in_in_the_same_language_writes_nothing(alice, django_assert_max_num_queries):
    log_in(alice, "de")
    alice.refresh_from_db()
    with django_assert_max_num_queries(0):
        alice.speak("de")
        alice.speak(None)
