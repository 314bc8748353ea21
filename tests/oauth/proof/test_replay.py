"""How long used proofs are remembered, and `in_process`, the memory of an API that runs in one process."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from oauth.infrastructure import caches
from oauth.proof import dpop, replay
from tests.lib.dpop import TOKEN, proof

LIFETIME = timedelta(minutes=2)


def test_of_threads_that_show_one_proof_one_is_first():
    """RFC 9449 §11.1."""
    digest = secrets.token_bytes(32)
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: replay.in_process(digest, LIFETIME), range(64)))
    assert firsts.count(True) == 1


def test_another_proof_is_accepted():
    assert replay.in_process(b"one", LIFETIME)
    assert replay.in_process(b"two", LIFETIME)
    caches.clear()


@pytest.mark.parametrize(("of_first", "of_second"), [(0, -30), (30, 0), (0, 30), (-30, 0), (15, -15)])
def test_a_cache_stores_a_proof_for_as_long_as_any_server_accepts_it(of_first, of_second):
    """Like Valkey, this store has its own clock. The proof is used as early as possible at one server and replayed as
    late as possible at another, whose clock differs by the allowed skew.
    """
    skew, began = timedelta(seconds=30), int(time.time())
    stored_for = {}

    def check(digest, lifetime):
        return stored_for.setdefault(digest, lifetime) is lifetime

    def use(sent, *, at, seconds_ahead):
        with time_machine.travel(at + seconds_ahead, tick=False):
            policy = dpop.Policy(clock_skew=skew, requires_nonce=False, replay_check=check)
            dpop.verify(sent, method="POST", urls=[TOKEN], policy=policy)

    longest = (dpop.LIFETIME + skew).total_seconds()
    iat = began + of_first + longest
    sent = proof(iat=iat, without="nonce")
    use(sent, at=began, seconds_ahead=of_first)
    last = iat + longest - of_second
    with pytest.raises(dpop.InvalidProof, match="already used"):
        use(sent, at=last, seconds_ahead=of_second)
    [lifetime] = stored_for.values()
    assert last - began <= lifetime.total_seconds()
