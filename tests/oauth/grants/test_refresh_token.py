"""The refresh token grant and the family of tokens (RFC 9700 §4.14)."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from oauth.grants import consumption
from oauth.infrastructure import clock
from oauth.models import Authorization, AuthorizationCode, RefreshToken
from oauth.models.secret import digest
from oauth.models.status import next_status_index
from tests.lib.beside import Beside
from tests.lib.oauth_client import TokenEndpoint, allow, decoded
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta))


def refresh(token_endpoint, client, token, **form):
    answer = token_endpoint.refresh(client, token, **form)
    return answer.json()["refresh_token"] if answer.status_code == 200 else answer.json()["error"]


def test_a_public_client_gets_a_new_one_each_time(issued, mobile_app, token_endpoint):
    first = issued(mobile_app)["refresh_token"]
    second = refresh(token_endpoint, mobile_app, first)
    third = refresh(token_endpoint, mobile_app, second)
    assert len({first, second, third}) == 3


def test_a_confidential_client_keeps_its_own(issued, web_app, token_endpoint):
    """RFC 6749 §6. The response repeats the refresh token for libraries that store whole responses, such as
    simple-oauth2.
    """
    token = issued(web_app)["refresh_token"]
    for _ in range(3):
        answer = token_endpoint.refresh(web_app, token)
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] == token


def test_a_lost_answer_logs_nobody_out(issued, mobile_app, token_endpoint):
    """The superseded token works again within the retry window."""
    first = issued(mobile_app)["refresh_token"]
    refresh(token_endpoint, mobile_app, first)  # the answer is lost
    second = refresh(token_endpoint, mobile_app, first)
    third = refresh(token_endpoint, mobile_app, second)
    assert third != "invalid_grant"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_tabs_with_one_store_refresh_at_once(issued, mobile_app, token_endpoint, kept):
    """The client can continue with the answer of either tab, even if both tabs refresh again at the same time."""
    token = issued(mobile_app)["refresh_token"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            answers = [refresh(token_endpoint, mobile_app, token) for _ in range(3)]
            assert "invalid_grant" not in answers
            token = answers[kept]
            clock.shift(timedelta(minutes=5))
    assert Authorization.objects.get().is_live


def test_tabs_that_keep_their_own_answers_go_on_within_the_window(issued, mobile_app, token_endpoint):
    first = issued(mobile_app)["refresh_token"]
    for tab in [refresh(token_endpoint, mobile_app, first) for _ in range(2)]:
        assert refresh(token_endpoint, mobile_app, tab) != "invalid_grant"
    assert refresh(token_endpoint, mobile_app, first) != "invalid_grant"  # a duplicate that arrives seconds later


@pytest.mark.parametrize("is_the_client_first", [True, False])
def test_a_thief_within_the_window_is_found_when_both_have_refreshed_once_more(
    issued, mobile_app, token_endpoint, is_the_client_first
):
    """RFC 9700 §4.14.2."""
    first = issued(mobile_app)["refresh_token"]
    both = [refresh(token_endpoint, mobile_app, first) for _ in range(2)]
    with later(seconds=61):
        one, other = both if is_the_client_first else reversed(both)
        newest = refresh(token_endpoint, mobile_app, one)
        assert newest != "invalid_grant"
        assert refresh(token_endpoint, mobile_app, other) == "invalid_grant"
        assert refresh(token_endpoint, mobile_app, newest) == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.REFRESH_REPLAY


def test_a_thief_who_refreshes_faster_than_the_window_is_found(issued, mobile_app, token_endpoint):
    """Client and thief each refresh again before the retry window of the other's token has passed."""
    token = issued(mobile_app)["refresh_token"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        both = [refresh(token_endpoint, mobile_app, token) for _ in range(2)]
        for turn in range(6):
            clock.shift(timedelta(seconds=25))
            both[turn % 2] = refresh(token_endpoint, mobile_app, both[turn % 2])
            if both[turn % 2] == "invalid_grant":
                break
    assert turn == 3
    assert not Authorization.objects.get().is_live


def test_a_branch_that_was_given_up_cannot_be_retried(issued, mobile_app, token_endpoint):
    """The newest token of the branch was superseded seconds ago, but the fork is older than the retry window."""
    token = issued(mobile_app)["refresh_token"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        one, other = [refresh(token_endpoint, mobile_app, token) for _ in range(2)]
        clock.shift(timedelta(seconds=50))
        refresh(token_endpoint, mobile_app, other)
        clock.shift(timedelta(seconds=20))
        assert refresh(token_endpoint, mobile_app, one) != "invalid_grant"
        assert refresh(token_endpoint, mobile_app, other) == "invalid_grant"
    assert not Authorization.objects.get().is_live


@pytest.mark.parametrize("generations", [1, 2, 5])
def test_a_stale_replay_ends_the_family(issued, mobile_app, token_endpoint, generations):
    """ASVS 10.4.5."""
    first = token = issued(mobile_app)["refresh_token"]
    for _ in range(generations):
        token = refresh(token_endpoint, mobile_app, token)
    with later(seconds=61):
        token = refresh(token_endpoint, mobile_app, token)
        assert refresh(token_endpoint, mobile_app, first) == "invalid_grant"
        assert refresh(token_endpoint, mobile_app, token) == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.REFRESH_REPLAY


@pytest.mark.parametrize("form", [{"scope": "accounts:read transfers:write"}, {"resource": "https://x.example"}])
def test_a_replay_that_asks_for_more_ends_the_family_too(issued, mobile_app, token_endpoint, form):
    first = issued(mobile_app)["refresh_token"]
    refresh(token_endpoint, mobile_app, first)
    with later(seconds=61):
        assert refresh(token_endpoint, mobile_app, first, **form) == "invalid_grant"
    assert not Authorization.objects.get().is_live


def test_a_replay_after_the_retry_window_ends_the_family(issued, mobile_app, token_endpoint):
    first = issued(mobile_app)["refresh_token"]
    second = refresh(token_endpoint, mobile_app, first)
    with later(seconds=61):
        assert refresh(token_endpoint, mobile_app, first) == "invalid_grant"
        assert refresh(token_endpoint, mobile_app, second) == "invalid_grant"


@pytest.mark.parametrize(("first_host", "second_host"), [(0, 120), (0, -120), (120, 0), (-120, 0)])
def test_a_retry_at_a_host_with_a_wrong_clock_is_not_taken_for_theft(
    issued, mobile_app, token_endpoint, monkeypatch, first_host, second_host
):
    """Only the clock of the database is the same for both."""

    def ask(seconds_ahead, token):
        monkeypatch.setattr(clock, "_seconds_ahead", lambda: seconds_ahead)
        with later(seconds=seconds_ahead):
            return refresh(token_endpoint, mobile_app, token)

    first = issued(mobile_app)["refresh_token"]
    ask(first_host, first)  # the answer is lost
    second = ask(second_host, first)
    assert ask(first_host, second) != "invalid_grant"
    assert Authorization.objects.get().is_live
    monkeypatch.setattr(clock, "_seconds_ahead", lambda: 0)
    with later(seconds=61):
        assert refresh(token_endpoint, mobile_app, first) == "invalid_grant"


def test_a_token_of_another_client_is_refused_without_harm(issued, mobile_app, web_app, token_endpoint):
    token = issued(mobile_app)["refresh_token"]
    assert refresh(token_endpoint, web_app, token) == "invalid_grant"
    assert refresh(token_endpoint, mobile_app, token) != "invalid_grant"


def test_narrowing_is_for_one_request_only(issued, mobile_app, token_endpoint):
    """RFC 6749 §6: a request for less does not change the refresh token."""
    token = issued(mobile_app, scope="accounts:read balances:read")["refresh_token"]
    answer = token_endpoint.refresh(mobile_app, token, scope="accounts:read").json()
    assert answer["scope"] == "accounts:read"
    answer = token_endpoint.refresh(mobile_app, answer["refresh_token"]).json()
    assert answer["scope"] == "accounts:read balances:read"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "accounts:read transfers:write"}, "invalid_scope"),
        ({"resource": "https://x.example"}, "invalid_target"),
    ],
)
def test_asking_for_more_is_refused_and_spends_nothing(issued, mobile_app, token_endpoint, form, error):
    token = issued(mobile_app)["refresh_token"]
    assert refresh(token_endpoint, mobile_app, token, **form) == error
    assert RefreshToken.objects.get().superseded_at is None


def test_an_idle_token_ends(issued, mobile_app, token_endpoint):
    token = issued(mobile_app)["refresh_token"]
    with later(days=31):
        assert refresh(token_endpoint, mobile_app, token) == "invalid_grant"


def test_a_token_that_stays_the_same_lives_on_while_it_is_used(issued, web_app, token_endpoint):
    """RFC 9700 §4.14.2: only an unused token ends early. ASVS 10.4.8: the authorization still ends on its date."""
    token = issued(web_app)["refresh_token"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for days in (29, 29, 29):
            clock.shift(timedelta(days=days))
            assert token_endpoint.refresh(web_app, token).status_code == 200
        assert RefreshToken.objects.get().expires_at == Authorization.objects.get().expires_at
        clock.shift(timedelta(days=4))
        assert refresh(token_endpoint, web_app, token) == "invalid_grant"


def test_a_token_that_stays_the_same_ends_when_it_is_idle(issued, web_app, token_endpoint):
    token = issued(web_app)["refresh_token"]
    with later(days=20):
        assert token_endpoint.refresh(web_app, token).status_code == 200
    with later(days=51):
        assert refresh(token_endpoint, web_app, token) == "invalid_grant"


def test_a_token_that_stays_the_same_is_written_at_most_once_an_hour(issued, web_app, token_endpoint):
    """Its end moves with its use, but a write of its row at each refresh would cost a third of the statement."""
    token = issued(web_app)["refresh_token"]
    end = RefreshToken.objects.get().expires_at
    with later(minutes=59):
        assert token_endpoint.refresh(web_app, token).status_code == 200
    assert RefreshToken.objects.get().expires_at == end
    with later(minutes=61):
        assert token_endpoint.refresh(web_app, token).status_code == 200
    assert RefreshToken.objects.get().expires_at > end


def test_refreshing_daily_ends_when_the_authorization_does(issued, mobile_app, token_endpoint):
    """ASVS 10.4.8: absolute expiry."""
    token = issued(mobile_app)["refresh_token"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(89):
            clock.shift(timedelta(days=1))
            token = refresh(token_endpoint, mobile_app, token)
            assert token != "invalid_grant"
        clock.shift(timedelta(days=2))
        assert refresh(token_endpoint, mobile_app, token) == "invalid_grant"
    for row in RefreshToken.objects.select_related("authorization"):
        assert row.expires_at <= row.authorization.expires_at


def test_a_deactivated_user_is_not_refreshed(issued, alice, mobile_app, token_endpoint):
    """Compare SimpleJWT CVE-2024-22513: there, a disabled user could still refresh."""
    token = issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]
    alice.is_active = False
    alice.save()
    assert refresh(token_endpoint, mobile_app, token) == "invalid_grant"


def test_logging_out_ends_online_access_and_keeps_offline_access(issued, browser, mobile_app, token_endpoint):
    online = issued(mobile_app)["refresh_token"]
    offline = issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]
    browser.post("/accounts/logout/")
    assert refresh(token_endpoint, mobile_app, online) == "invalid_grant"
    assert refresh(token_endpoint, mobile_app, offline) != "invalid_grant"


def test_no_token_works_after_revocation(issued, mobile_app, token_endpoint):
    token = issued(mobile_app)["refresh_token"]
    Authorization.objects.get().revoke(Authorization.RevocationReason.ADMIN)
    assert refresh(token_endpoint, mobile_app, token) == "invalid_grant"


@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_never_fail_and_one_of_them_goes_on(issued, mobile_app):
    """Twenty parallel refreshes: none is refused, and the client can continue with any of the answers. After the
    window, only that one works.
    """
    token = issued(mobile_app)["refresh_token"]
    answers = in_parallel(*[lambda: TokenEndpoint().refresh(mobile_app, token)] * 20)
    assert {answer.status_code for answer in answers} == {200}
    live = RefreshToken.objects.filter(revoked_at=None, superseded_at=None)
    assert live.count() == 20
    with later(seconds=61):
        newest = answers[7].json()["refresh_token"]
        assert TokenEndpoint().refresh(mobile_app, newest).status_code == 200
    assert live.count() == 1
    assert live.get().fork is None
    assert Authorization.objects.get().is_live


@pytest.mark.django_db(transaction=True)
def test_a_use_beside_a_retry_belongs_to_the_fork(issued, mobile_app):
    """When the successor is read, it is the only branch. A retry of its predecessor commits before the successor is
    consumed.
    """
    token = issued(mobile_app)["refresh_token"]
    successor = TokenEndpoint().refresh(mobile_app, token).json()["refresh_token"]
    use = Beside(lambda: TokenEndpoint().refresh(mobile_app, successor).json()["refresh_token"])
    with transaction.atomic():
        Authorization.objects.select_for_update().get()
        use.start_and_wait()
        read = RefreshToken.objects.get(superseded_at=None)
        sibling = RefreshToken.objects.get(pk=read.pk)
        sibling.pk, sibling.token_digest = None, b"x" * 32
        sibling.save()
        RefreshToken.objects.filter(superseded_at=None).update(fork=read.replaces_id)
    use.join()
    assert RefreshToken.objects.get(token_digest=digest(use.results[0])).fork == read.replaces_id


@pytest.mark.django_db(transaction=True)
def test_a_revocation_prevails_over_parallel_refreshes(issued, web_app):
    """A request that begins after the revocation has committed gets no token."""
    token = issued(web_app)["refresh_token"]
    authorization = Authorization.objects.get()
    is_revoked = threading.Event()
    turns = iter(range(6))

    def revoke_or_refresh():
        if next(turns) == 0:
            authorization.revoke(Authorization.RevocationReason.USER)
            is_revoked.set()
            return []
        seen = []
        while not seen or not seen[-1][0]:
            seen.append((is_revoked.is_set(), TokenEndpoint().refresh(web_app, token).status_code))
        return seen

    seen = [one for results in in_parallel(*[revoke_or_refresh] * 6) for one in results]
    assert {status for began_after, status in seen if began_after} == {400}
    assert {status for _, status in seen} <= {200, 400}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_replaced", [True, False])
def test_a_token_that_is_given_up_meanwhile_is_not_used(issued, web_app, has_replaced):
    """RFC 9700 §4.14.2. A token that does not rotate is locked only if another branch could end it. The second case
    shows that the lock causes the refusal.
    """
    issued(web_app)
    token = RefreshToken.objects.select_related("authorization").get()
    if has_replaced:
        token.replaces = RefreshToken.objects.create(
            token_digest=b"x" * 32, authorization=token.authorization, expires_at=token.expires_at
        )
        token.save()

    def use():
        what = consumption.of_reusable(token)
        return consumption.consume(what, web_app, token.authorization, "refresh_token", ["openid"], None)

    beside = Beside(use)
    with transaction.atomic():
        Authorization.objects.select_for_update().get()
        beside.start_and_wait()
        RefreshToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    beside.join()
    assert beside.results == [not has_replaced]


@pytest.mark.parametrize("change", ["revoked", "replaced"])
@pytest.mark.parametrize("held", ["code", "refresh token"])
def test_an_authorization_that_changed_after_it_was_read_is_not_used(issued, web_app, held, change):
    """The fast path reads without a lock, so the statement that consumes must look again: a revoked authorization
    and one whose status_index changed (grant management replaced it) give nothing."""
    issued(web_app)
    token = RefreshToken.objects.select_related("authorization").get()
    authorization, code = token.authorization, AuthorizationCode.objects.get()
    AuthorizationCode.objects.update(consumed_at=None)
    what = consumption.of_code(code) if held == "code" else consumption.of_reusable(token)
    changed = Authorization.objects.get()
    if change == "revoked":
        changed.revoke(Authorization.RevocationReason.USER)
    else:
        Authorization.objects.update(status_index=next_status_index())
    assert not consumption.consume(what, web_app, authorization, "the grant", ["openid"], None)
    assert AuthorizationCode.objects.get().consumed_at is None


def test_a_refresh_brings_an_id_token(browser, web_app, mobile_app, token_endpoint):
    """OpenID Connect Core §12.2: it has the same user and the same time of login, and no nonce."""
    for client in (web_app, mobile_app):
        code = allow(browser, client, scope="openid accounts:read", nonce="the-nonce")
        first = token_endpoint.redeem(client, code).json()
        again = token_endpoint.refresh(client, first["refresh_token"]).json()
        before, after = decoded(first["id_token"]), decoded(again["id_token"])
        same = ("iss", "sub", "aud", "azp", "auth_time", "sid")
        assert {name: before[name] for name in same} == {name: after[name] for name in same}
        assert "nonce" not in after
        assert after["at_hash"] != before["at_hash"]
        refresh_token = again.get("refresh_token", first["refresh_token"])
        narrowed = token_endpoint.refresh(client, refresh_token, scope="accounts:read").json()
        assert "id_token" not in narrowed


def test_a_client_may_do_without_it(browser, web_app, token_endpoint):
    web_app.id_token_at_refresh = False
    web_app.save()
    first = token_endpoint.redeem(web_app, allow(browser, web_app, scope="openid")).json()
    assert "id_token" in first
    assert "id_token" not in token_endpoint.refresh(web_app, first["refresh_token"]).json()


@pytest.mark.parametrize("is_on", [False, True])
def test_the_id_token_has_the_claims_of_scopes_only_if_an_admin_says_so(browser, web_app, token_endpoint, alice, is_on):
    """OpenID Connect Core §5.4: otherwise they come from UserInfo."""
    web_app.user_claims_in_id_token = is_on
    web_app.save()
    first = token_endpoint.redeem(web_app, allow(browser, web_app, scope="openid email accounts:read")).json()
    again = token_endpoint.refresh(web_app, first["refresh_token"]).json()
    narrowed = token_endpoint.refresh(web_app, first["refresh_token"], scope="openid").json()
    expected = alice.email if is_on else None
    assert [decoded(one["id_token"]).get("email") for one in (first, again)] == [expected, expected]
    assert "email" not in decoded(narrowed["id_token"])
    assert "name" not in decoded(first["id_token"])
