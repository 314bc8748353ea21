"""The meter beside a new password, and the rule that refuses what is guessed easily."""

import pytest

from accounts.pages import strength as page
from accounts.passwords import strength
from oauth.infrastructure import rate_limits
from tests.lib.login import submit
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db
URL = "/accounts/password/strength/"


@pytest.mark.parametrize(
    ("password", "score"),
    [
        ("", 0),
        ("aaaaaaaaaaaa", 0),
        ("abababababababab", 0),
        ("password1234", 1),
        ("P4ssw0rd1234", 1),
        ("qwertyuiop1234", 1),
        ("987654321098", 1),
        ("sunshinesunshine", 0),
        ("alice-archer-2024", 1),
        ("P@ssw0rd2024!", 2),
        ("correct-horse-demo", 4),
        ("kX9$vLq2!mNw", 4),
        ("the cat sat on the mat", 4),
        ("абвгдежзийкл", 0),
        ("жук ест сыр ночью", 4),
    ],
)
def test_a_password_is_as_strong_as_its_cheapest_parts(password, score):
    assert strength.score(password, {"alice", "archer"}) == score


def test_only_the_beginning_of_the_longest_password_is_judged():
    assert strength.score("ab" * 5000) == 0


def test_what_is_long_and_guessed_at_once_is_refused(client):
    answer = submit(
        client, "/accounts/signup/", email="new@example.test", password1="qwertyuiop1234", password2="qwertyuiop1234"
    )
    assert "too easy to guess" in text(answer)


def test_the_words_of_the_user_and_the_site_count_for_nothing(browser, alice):
    """ASVS 5.0 6.2.11."""
    for password in ("Alice-archer-2024", "countersign2024"):
        assert browser.post(URL, {"password": password}).json()["score"] < strength.LEAST_SCORE


def test_the_meter_shows_weak_for_a_password_that_the_form_refuses(client):
    """ASVS 5.0 6.2.1, 6.2.4."""
    short = client.post(URL, {"password": "kX9$vLq2!m"}).json()
    assert (short["score"], short["says"]) == (1, "Weak")
    assert "at least 12 characters" in short["problems"][0]
    mine = client.post(URL, {"password": "new.person@example", "email": "new.person@example.test"}).json()
    assert "too similar to the email" in " ".join(mine["problems"])
    good = client.post(URL, {"password": "correct-horse-demo"})
    assert good.json() == {"score": 4, "says": "Strong", "problems": []}
    assert "no-store" in good["Cache-Control"]


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/change/"])
def test_pages_for_a_new_password_name_the_meter(client, browser, path):
    source = (client if "signup" in path else browser).get(path).content.decode()
    assert f'data-strength="{URL}"' in source
    assert "do not belong together" in source  # the page shows the rules beside the field, even without scripts


def test_the_meter_has_a_rate_limit(client, settings, clock_stands):
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 1 / page.ASKED.most}
    rate_limits.counts.clear()
    statuses = [client.post(URL, {"password": "x"}).status_code for _ in range(3)]
    assert statuses[-1] == 429


def test_it_is_a_form_of_our_own_page(client):
    assert client.get(URL).status_code == 405
    client.handler.enforce_csrf_checks = True
    assert client.post(URL, {"password": "x"}).status_code == 403
