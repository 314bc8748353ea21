"""Families of refresh tokens under random use: tabs that race, lost answers, late duplicates, and a thief."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauth.models import Authorization

pytestmark = pytest.mark.django_db

WINDOW = 60
#: Each entry: (number of tabs that refresh at the same time, the answer that the client's store keeps, whether a
#: duplicate of the request arrives late, seconds of pause)
RACES = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 4), st.booleans(), st.sampled_from([0, 20, 45, 61, 300])),
    min_size=1, max_size=4,
)  # fmt: skip
random_families = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def family(issued, mobile_app, token_endpoint):
    """Returns a function that begins a family and returns (its first token, a function that refreshes a token)."""

    def begun():
        def refresh(token):
            answer = token_endpoint.refresh(mobile_app, token)
            return answer.json()["refresh_token"] if answer.status_code == 200 else None

        return issued(mobile_app)["refresh_token"], refresh

    return begun


def used(refresh, token, races, clock):
    """Runs the races. Returns the token that the client's store holds at the end; None if a request was refused."""
    for tabs, kept, has_duplicate, pause in races:
        answers = [refresh(token) for _ in range(tabs)]
        if has_duplicate:
            clock.shift(timedelta(seconds=5))
            answers.append(refresh(token))  # the client does not get this answer
        if None in answers:
            return None
        token = answers[min(kept, tabs - 1)]
        clock.shift(timedelta(seconds=pause))
    return token


@random_families
@given(races=RACES)
def test_an_honest_client_is_never_logged_out(family, races):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token, refresh = family()
        token = used(refresh, token, races, clock)
        assert token is not None
        assert refresh(token) is not None
    assert Authorization.objects.latest("created_at").is_live


@random_families
@given(before=RACES, after=RACES, of_thief=RACES, wait=st.integers(0, WINDOW - 1), is_thief_first=st.booleans())
def test_a_thief_is_found(family, before, after, of_thief, wait, is_thief_first):
    """The thief has a copy of the client's newest token. After the retry window, the authorization ends when each of
    them has used a token once.
    """
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token, refresh = family()
        stolen = used(refresh, token, before, clock)
        token = refresh(stolen)
        clock.shift(timedelta(seconds=wait))
        thiefs = refresh(stolen)
        assert token is not None
        assert thiefs is not None
        clock.shift(timedelta(seconds=WINDOW + 1))
        both = [(thiefs, of_thief), (token, after)] if is_thief_first else [(token, after), (thiefs, of_thief)]
        assert [used(refresh, held, races, clock) for held, races in both][1] is None
    assert Authorization.objects.latest("created_at").revocation_reason == "refresh_replay"
