"""Argon2id: its parameters, the replacement of older hashes, and how many are computed at the same time."""

import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher
from django.contrib.auth.hashers import get_hasher, make_password
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.login.pages import LOGINS
from accounts.passwords import argon2
from tests.lib.login import is_logged_in, log_in
from tests.lib.oauth_client import PASSWORD
from tests.lib.servers import PATIENCE_SECONDS, wait_until


def test_the_parameters_are_those_of_owasp(settings):
    """ASVS 5.0 11.4.2."""
    assert argon2.is_strong(memory_kib=settings.PASSWORD_HASH_MEMORY_KIB, passes=settings.PASSWORD_HASH_PASSES)
    assert isinstance(get_hasher(), argon2.Argon2PasswordHasher)


@pytest.mark.parametrize(("memory_kib", "passes"), [(19_455, 2), (47_103, 1), (7_167, 6), (1_000_000, 0)])
def test_weaker_parameters_are_known(memory_kib, passes):
    assert not argon2.is_strong(memory_kib=memory_kib, passes=passes)


class OfAnEarlierRelease(DjangoArgon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 64, 8


def test_a_login_replaces_a_hash_with_other_parameters(alice, client):
    alice.password = OfAnEarlierRelease().encode(PASSWORD, "a" * 22)
    type(alice).objects.filter(pk=alice.pk).update(password=alice.password)
    log_in(client, alice.email)
    assert is_logged_in(client)
    alice.refresh_from_db()
    assert not get_hasher().must_update(alice.password)


def test_a_login_takes_few_statements(alice):
    log_in(Browser(), alice.email)
    browser = Browser()
    browser.get("/accounts/login/")
    with CaptureQueriesContext(connection) as captured:
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert is_logged_in(browser)
    assert len(captured) <= 15


def test_more_logins_than_may_wait_are_answered_at_once(alice, client):
    refused: list[argon2.TooManyHashes] = []

    def hash_one_more() -> None:
        try:
            make_password(PASSWORD)
        except argon2.TooManyHashes as refusal:
            refused.append(refusal)

    waiting = [threading.Thread(target=make_password, args=(PASSWORD,)) for _ in range(argon2.WAITING_AT_MOST)]
    one_more = threading.Thread(target=hash_one_more)
    with argon2.place():
        for thread in waiting:
            thread.start()
        wait_until(_is_full)
        one_more.start()
        one_more.join(PATIENCE_SECONDS)  # in a thread, so that it can also wait for ever
        assert refused
        answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    for thread in waiting:
        thread.join()
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    log_in(client, alice.email)
    assert is_logged_in(client)


def _is_full() -> bool:
    if argon2._all.acquire(blocking=False):
        argon2._all.release()
        return False
    return True


def test_logins_from_one_address_are_limited(alice, client, clock_stands):
    for _ in range(LOGINS.most):
        assert client.post("/accounts/login/", {"login": "", "password": ""}).status_code == 200
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
