"""Argon2id: its parameters, the replacement of older hashes, and how many are computed at the same time."""

import fcntl
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from errno import EPERM

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher
from django.contrib.auth.hashers import get_hasher, make_password
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.browsers import known_device
from accounts.login.pages import LOGINS
from accounts.passwords import argon2, turns
from config.server import bodies
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


@pytest.mark.parametrize(("is_known", "most"), [(True, 11), (False, 12)])
def test_a_login_takes_few_statements(alice, is_known, most):
    """A login from a new browser takes one more, for the job that tells the user about it. Outside of tests, two of
    them are BEGIN and COMMIT.
    """
    earlier, browser = Browser(), Browser()
    log_in(earlier, alice.email)
    if is_known:
        browser.cookies[known_device.COOKIE] = earlier.cookies[known_device.COOKIE].value
    browser.get("/accounts/login/")
    with CaptureQueriesContext(connection) as captured:
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert is_logged_in(browser)
    assert len(captured) <= most, [one["sql"] for one in captured]


@pytest.fixture
def hashing():
    """Keeps the hashing thread busy and its queue full until the returned function is called."""
    done = threading.Event()
    threads = [
        threading.Thread(target=argon2.in_turn, args=(done.wait, PATIENCE_SECONDS))
        for _ in range(argon2.AT_ONCE + argon2.WAITING_AT_MOST)
    ]
    for thread in threads:
        thread.start()
    wait_until(_is_full)

    def end() -> None:
        done.set()
        for thread in threads:
            thread.join()

    yield end
    end()


def _is_full() -> bool:
    try:
        argon2.require_place()
    except argon2.TooManyHashes:
        return True
    return False


def test_more_hashes_than_may_wait_are_refused_at_once(hashing):
    refused: list[argon2.TooManyHashes] = []

    def hash_one_more() -> None:
        try:
            make_password(PASSWORD)
        except argon2.TooManyHashes as refusal:
            refused.append(refusal)

    one_more = threading.Thread(target=hash_one_more)  # in a thread, so that it can also wait forever
    one_more.start()
    one_more.join(20)
    assert refused


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_has_all_places_for_itself(hashing):
    """A development server or a site's own preforking server: the threads of the parent do not run in the child."""
    child = os.fork()
    if child == 0:  # leaves at once, whatever happens: the rest of the tests is the parent's
        status = 1
        try:
            status = 0 if argon2.in_turn(lambda: "done") == "done" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_more_logins_than_may_wait_are_answered_at_once(alice, client, hashing):
    with CaptureQueriesContext(connection) as captured:
        answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert not [query for query in captured if "emailaddress" in query["sql"]]  # no user was looked up
    hashing()
    log_in(client, alice.email)
    assert is_logged_in(client)


def test_a_login_that_waits_for_its_hash_keeps_no_slot_from_other_requests(alice, client):
    done = []
    given_back = {bodies.GIVE_SLOT_BACK: lambda: done.append(argon2._places(os.getpid())._value)}
    client.post("/accounts/login/", {"login": "nobody", "password": PASSWORD}, **given_back)
    assert done == []  # no email, so no hash
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, **given_back)
    assert is_logged_in(client)
    assert set(done) == {argon2.AT_ONCE + argon2.WAITING_AT_MOST - 1}  # not before the login has its place


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts niceness by thread")
def test_the_kernel_prefers_other_threads_to_those_that_hash():
    niceness = argon2.in_turn(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert niceness == min(19, os.getpriority(os.PRIO_PROCESS, os.getpid()) + argon2.NICENESS)


def test_hashes_are_computed_where_a_process_may_not_change_its_priority(monkeypatch):
    """As under deploy/systemd, whose SystemCallFilter refuses setpriority."""

    def refuse(*_):
        raise PermissionError(EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refuse)
    with ThreadPoolExecutor(1, initializer=argon2._step_back) as threads:
        assert threads.submit(lambda: "computed").result() == "computed"


def test_one_thread_computes_all_hashes():
    """A thread keeps the memory that it has allocated. If all 32 threads of a server computed hashes, they would keep
    600 MB.
    """
    computing: set[str] = set()
    asking = [
        threading.Thread(target=argon2.in_turn, args=(lambda: computing.add(threading.current_thread().name),))
        for _ in range(argon2.AT_ONCE + argon2.WAITING_AT_MOST)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(computing) == argon2.AT_ONCE


@pytest.fixture
def turns_of_two(tmp_path):
    """The lock files of two processes that compute hashes in turn with this one. Each holds its turn until closed."""
    turns.take(tmp_path, 2)
    with (tmp_path / "password-hash-0.lock").open("a") as one, (tmp_path / "password-hash-1.lock").open("a") as other:
        for file in (one, other):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield one, other
    turns.take(tmp_path, 0)


def test_processes_of_one_server_compute_hashes_in_turn(turns_of_two):
    done = threading.Event()
    hashing = threading.Thread(target=argon2.in_turn, args=(done.set,))
    hashing.start()
    assert not done.wait(0.3)
    for file in turns_of_two:  # as the kernel does when a process is killed
        file.close()
    assert done.wait(PATIENCE_SECONDS)
    hashing.join()


@pytest.mark.parametrize("free", [0, 1])
def test_a_free_turn_is_taken_at_once(turns_of_two, free):
    turns_of_two[free].close()
    assert argon2.in_turn(lambda: "done") == "done"


def test_without_the_directory_of_the_server_hashes_are_computed(tmp_path):
    turns.take(tmp_path / "gone", 1)
    try:
        assert argon2.in_turn(lambda: "done") == "done"
    finally:
        turns.take(tmp_path, 0)


def test_logins_from_one_address_are_limited(alice, client, clock_stands):
    for _ in range(LOGINS.most):
        assert client.post("/accounts/login/", {"login": "", "password": ""}).status_code == 200
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
