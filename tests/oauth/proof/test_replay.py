"""`in_process`: the memory of proofs of an API that runs in one process."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from oauth.infrastructure import caches
from oauth.proof import replay

LIFETIME = timedelta(minutes=2)


def test_of_threads_that_show_one_proof_one_is_first():
    """RFC 9449 §11.1."""
    digest = secrets.token_bytes(32)
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: replay.in_process(digest, LIFETIME), range(64)))
    assert firsts.count(True) == 1


def test_another_proof_is_another():
    assert replay.in_process(b"one", LIFETIME)
    assert replay.in_process(b"two", LIFETIME)
    caches.clear()
