"""Attacks that once worked, each in its shortest form, with the same moves and checks as in random runs."""

import pytest

from tests.model.machine import AuthorityMachine
from tests.model.requests import ALLOW, Reply, Want

pytestmark = pytest.mark.django_db
MONEY = "accounts:read balances:read transactions:read transfers:read transfers:write"
EVERYTHING = f"openid {MONEY}"
BOTH = Reply(picks=(0, 1))


@pytest.fixture
def play(machine):
    """Plays the moves, given as (move, arguments), and checks every token after each of them. Raises Violation."""
    played = machine()

    def take(*moves):
        for name, *arguments in moves:
            getattr(played, name)(*arguments)
            played.no_token_does_more_than_was_allowed()
        return played

    yield take
    played.teardown()


def alice(app, scopes, reply=ALLOW, **more):
    return ("ask", "alice", app, Want(scopes, **more), reply)


@pytest.mark.parametrize(
    "before",
    [
        alice("shop", "openid", details="accounts"),
        alice("shop", "openid", details="payment"),
        alice("shop", "openid profile accounts:read", Reply(leaves_out=0), details="accounts and balances"),
    ],
)
def test_what_was_allowed_in_detail_is_asked_again_without(play, before):
    """An authorization with details is no consent to a request without details."""
    play(before, ("ask_for_a_part", 0, 0), alice("shop", "accounts:read"), alice("shop", "transfers:write"))


@pytest.mark.parametrize(
    "later",
    [
        [("ask", "alice", "shop", Want("openid accounts:read", prompt="consent"), Reply("deny"))],
        [("ask", "alice", "shop", Want("openid accounts:read", prompt="consent"), Reply(leaves_out=0))],
        [("ask_by_backchannel", "alice", "openid accounts:read", Reply("deny"))],
        [alice("shop", "openid", details="accounts")],
    ],
)
def test_what_was_denied_or_narrowed_later_is_asked_again(play, later):
    play(alice("shop", "openid accounts:read"), *later, ("ask_for_a_part", 0, 0), alice("shop", "openid accounts:read"))


def test_a_grant_that_was_replaced_is_remembered_as_it_is_now(play):
    play(
        alice("shop", EVERYTHING),
        ("manage", 0, Want("openid", details="accounts"), Reply(), "replace"),
        alice("shop", EVERYTHING),
    )


def test_claims_and_resources_are_remembered_as_they_were_shown(play):
    """Consent to scopes is no consent to other claims or resources."""
    play(
        alice("shop", "openid accounts:read"),
        alice("shop", "openid", claims={"userinfo": ["email"]}, prompt="none"),
        alice("shop", "openid", resources=("https://weather.example/api",), prompt="none"),
    )


@pytest.mark.parametrize("change", [("pick_accounts_anew", 0, (1,)), ("manage", 0, Want("openid"), Reply(), "replace")])
def test_what_was_taken_back_is_dead_at_every_endpoint(play, change):
    """A token that allows more than its authorization does now is refused."""
    play(alice("shop", EVERYTHING, BOTH, details="accounts and transactions"), change)


@pytest.mark.parametrize("change", ["redirect", "keys", "method", "name", "no scope", "all scopes"])
def test_an_app_that_registers_itself_anew_asks_anew(play, change):
    play(
        alice("joined", "openid accounts:read"),
        ("register_anew", change),
        alice("joined", "openid accounts:read"),
        alice("joined", "openid accounts:read transfers:write"),
    )


def test_a_retry_window_closes_when_the_client_has_moved_to_a_key(play):
    """A thief has the token from before."""
    play(
        alice("phone", "accounts:read offline_access"),
        ("refresh", 0, "blue"),
        ("refresh", 0, "blue"),
        ("refresh", 1, "blue"),
        ("refresh", 1, ""),
    )


@pytest.mark.parametrize("key", ["", "red"])
def test_a_retry_does_not_fall_back_to_bearer(play, key):
    """Nobody has used the bound successor yet."""
    play(alice("phone", "accounts:read offline_access"), ("refresh", 0, "blue"), ("refresh", 1, key))


@pytest.mark.parametrize("act", ["add_redirect_uri", "issue_secret", "rename"])
def test_a_client_that_staff_changed_asks_anew(play, act):
    play(
        alice("shop", "openid accounts:read"),
        ("act_on_client", "shop", act),
        alice("shop", "openid accounts:read"),
        alice("shop", "openid accounts:read", prompt="none"),
    )


def test_a_client_whose_keys_staff_changed_asks_anew(play):
    play(alice("vault", "accounts:read"), ("act_on_client", "vault", "change_keys"), alice("vault", "accounts:read"))


@pytest.mark.parametrize(
    "acts",
    [("set_password",), ("deactivate",), ("deactivate", "reactivate"), ("deactivate", "reactivate", "set_password")],
)
def test_actions_of_staff_on_a_user_end_every_access(play, acts):
    play(
        alice("shop", EVERYTHING + " offline_access"),
        alice("phone", "accounts:read offline_access"),
        *(("act_on_user", "alice", act) for act in acts),
        ("refresh", 0),
        ("refresh", 1),
        ("redeem", 0),
    )


def test_a_token_that_was_exchanged_ends_nothing(play):
    play(alice("shop", MONEY), ("exchange", 0), ("give_back", 0, True))


def test_a_scope_that_staff_took_comes_with_no_new_token(play):
    play(
        alice("shop", "accounts:read balances:read offline_access"),
        ("ask", "alice", "shop", Want("accounts:read balances:read"), Reply(), "", False),
        ("ask_by_backchannel", "alice", "openid accounts:read balances:read", Reply(), False),
        ("take_or_give_scope", "shop", "balances:read"),
        ("refresh", 0),
        ("redeem", 0),
        ("redeem", 1),
        ("exchange", 0),
    )


@pytest.mark.parametrize(
    "change",
    [
        ("pick_accounts_anew", 0, (1,)),
        ("manage", 0, Want("accounts:read"), Reply(), "replace"),
        ("remove_app", "alice", "shop"),
    ],
)
def test_messages_are_about_what_is_allowed_when_they_are_sent(play, change):
    play(
        alice("shop", MONEY + " webhooks:manage", BOTH, details="accounts and transactions"),
        ("subscribe", 0),
        ("pay", 0, 0, 1),
        change,
        ("deliver",),
    )


def test_the_moves_do_what_they_say(play):
    """A state machine whose requests are all refused would find no fault."""
    played = play(
        alice("shop", EVERYTHING + " webhooks:manage", BOTH, details="accounts and transactions"),
        ("subscribe", 0),
        ("pay", 0, 0, 1),
        ("receive", "everyday"),
        ("deliver",),
        alice("vault", "openid accounts:read"),
        alice("joined", "openid accounts:read"),
        alice("joined", "openid accounts:read", prompt="none"),
        ("ask_by_device", "bob", "openid accounts:read"),
        ("ask_by_backchannel", "carol", "openid accounts:read"),
        ("exchange", 0),
        ("refresh", 0),
        ("ask_by_device", "bob", "openid accounts:read balances:read offline_access"),
        ("refresh", 0, "", True),
        ("refresh", 0),
        ("act_for_itself", "gateway"),
        ("give_back", 0, False),
        ("pick_accounts_anew", 0, (1,)),
        ("log_out", "bob"),
        ("change_password", "carol"),
    )
    assert [what for what in played.story if "refused" in what or "nothing" in what] == []
    assert {"subscribed", "paid", "sent", "tokens", "token", "silently", "alive"} <= set(AuthorityMachine.seen)
