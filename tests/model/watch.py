"""Checks after each step that no token may do more than the model allows, and that all endpoints agree whether it is
live.
"""

from collections.abc import Callable
from typing import Any

from hypothesis.stateful import invariant

from oauth.models.scope import SCOPE_OF_CLAIM
from oauth.status import ended_recently
from tests.model import wire, world
from tests.model.money import Money
from tests.model.oracle import Access, readable, touched_by
from tests.model.tokens import Exchanging


class Watch(Exchanging, Money):
    @invariant()
    def no_token_does_more_than_was_allowed(self) -> None:
        if not self.story:
            return
        # Reads trust a token until the status list is read again, every few seconds.
        ended_recently.recent.clear()
        # One token that the step issued or may have ended, and one of the others in turn.
        for token in self._sample():
            self._look_at(token)
        self.fresh = []

    def _sample(self) -> list[Access]:
        sample = self.fresh[:1]
        others = [
            one for one in self.model.access_tokens if one.allowed and one.expires_at > self.now and one not in sample
        ]
        if others:
            self.looked_at += 1
            sample = [*sample, others[self.looked_at % len(others)]]
        return sample

    def _look_at(self, token: Access) -> None:
        asked = self._endpoints(token)
        if token not in self.fresh[:1]:
            # Each step checks two endpoints, which take turns. Each is compared with the model, and so with all other
            # endpoints.
            names = sorted(asked)
            asked = {name: asked[name] for name in (names[self.looked_at % len(names) :] + names)[:2]} if names else {}
        alive = {name: ask(token) for name, ask in asked.items()}
        if not alive:
            return
        why = self.model.why_dead(token, self.now)
        if why and any(alive.values()):
            self.fail(f"{token} is alive although {why}: {alive}")
        if len(set(alive.values())) > 1:
            self.fail(f"{token} is alive for some and dead for others: {alive}")
        if not any(alive.values()) and self.model.must_work(token, self.now):
            self.fail(f"{token} is dead for no reason: {alive}")
        kind = "alive" if any(alive.values()) else "dead"
        self.seen[kind] = self.seen.get(kind, 0) + 1

    def _endpoints(self, token: Access) -> dict[str, Callable[[Access], bool]]:
        """Returns every endpoint that accepts this kind of token, with a function that tells whether it considers the
        token live.
        """
        asked: dict[str, Callable[[Access], bool]] = {}
        if not self.apps[token.app].is_public and self.model.facts[token.app].is_active:
            asked["introspection"] = self._introspection
        if token.allowed is None:
            if "accounts:read" in token.scopes:
                asked["accounts"] = self._no_accounts
            return asked
        if "openid" in token.scopes:
            asked["userinfo"] = self._userinfo
        if "grant_management_query" in token.scopes:
            asked["grants"] = self._grant
        if self._is_exchangeable(token):
            asked["exchange"] = self._exchanged
        if world.API in token.resources:
            asked["consent"] = self._consent
            if "accounts:read" in token.scopes:
                asked["accounts"] = self._accounts
            # A token with a scope that was taken is dead for payments only. `order` says so.
            if "transfers:write" in token.scopes and not self.model.taken(token):
                asked["money"] = self._money
        return asked

    def _introspection(self, token: Access) -> bool:
        answer = wire.post(self.apps[token.app], "/oauth/introspect", {"token": token.value})
        if answer.status_code != 200:
            self.fail(f"introspection of {token} answered {answer.status_code}")
        return bool(answer.json()["active"])

    def _exchanged(self, token: Access) -> bool:
        answer = self._exchange(token)
        if answer.status_code == 200:
            self._take_exchanged(token, answer.json())
        return bool(answer.status_code == 200)

    def _no_accounts(self, token: Access) -> bool:
        """Checks that a token of a client that acts for itself gives access to no account."""
        answer = wire.call(token.value, "GET", "/api/v1/accounts")
        if answer.status_code == 200 and answer.json()["data"]:
            self.fail(f"{token} sees accounts")
        return bool(answer.status_code == 200)

    def _is_exchangeable(self, token: Access) -> bool:
        facts = self.model.facts["gateway"]
        return (
            token.app in ("shop", "phone")
            and not token.key
            and facts.is_active
            and self.model.facts[token.app].is_active
            and bool(token.scopes & facts.scopes & self.model.facts[token.app].scopes)
            and not token.exchanged_from
        )

    def _userinfo(self, token: Access) -> bool:
        assert token.allowed is not None
        answer = wire.call(token.value, "GET", "/oauth/userinfo", key=token.key)
        if answer.status_code != 200:
            return self._is_refused(answer, token)
        told = set(answer.json()) & set(SCOPE_OF_CLAIM)
        by_name = {name for names in token.allowed.claims.values() for name in names}
        scopes = token.scopes - self.model.taken(token)
        may = {name for name, scope in SCOPE_OF_CLAIM.items() if scope in scopes or name in by_name}
        if told - may:
            self.fail(f"{token} learns {sorted(told - may)}")
        return True

    def _grant(self, token: Access) -> bool:
        assert token.allowed is not None
        answer = wire.call(token.value, "GET", f"/oauth/grants/{token.allowed.grant_id}", key=token.key)
        if answer.status_code != 200:
            return self._is_refused(answer, token)
        shown = frozenset(" ".join(one["scope"] for one in answer.json()["scopes"]).split())
        if shown - token.allowed.scopes:
            self.fail(f"{token} reads a grant of {sorted(shown - token.allowed.scopes)}, which was not allowed")
        return True

    def _consent(self, token: Access) -> bool:
        assert token.allowed is not None
        answer = wire.call(token.value, "GET", "/api/v1/consent", key=token.key)
        if answer.status_code != 200:
            return self._is_refused(answer, token)
        body = answer.json()
        own = self.model.accounts[token.allowed.user]
        if beyond := set(body["accounts"]) - touched_by(token.details, own):
            self.fail(f"{token} is for the accounts {self._names(beyond)}, which were not allowed")
        if beyond := set(body["scopes"]) - token.allowed.scopes:
            self.fail(f"{token} is for {sorted(beyond)}, which was not allowed")
        return True

    def _accounts(self, token: Access) -> bool:
        assert token.allowed is not None
        own = self.model.accounts[token.allowed.user]
        answer = wire.call(token.value, "GET", "/api/v1/accounts", key=token.key)
        if answer.status_code != 200:
            return self._is_refused(answer, token)
        listed = {row["id"] for row in answer.json()["data"]}
        if beyond := listed - readable(token.details, "accounts", own):
            self.fail(f"{token} sees {self._names(beyond)}, which was not allowed")
        # The single resource is the same as in the list.
        every = sorted(str(account.pk) for account in self.world.accounts.values())
        one = every[self.looked_at % len(every)]
        answer = wire.call(token.value, "GET", f"/api/v1/accounts/{one}/balances", key=token.key)
        may = "balances:read" in token.scopes and one in readable(token.details, "balances", own)
        if answer.status_code == 200 and not may:
            self.fail(f"{token} sees the balance of {self._names({one})}, which was not allowed")
        return True

    def _money(self, token: Access) -> bool:
        """Uses a transfer rehearsal, which has the same checks as a payment."""
        body, why = self.order(token, 0, 1)
        answer = self.send(token, body, key="rehearsed-by-the-model", is_rehearsal=True)
        if answer.status_code == 200 and why:
            self.fail(f"{token} could move money although {why}")
        return answer.status_code != 401

    def _is_refused(self, answer: Any, token: Access) -> bool:
        """Whether an answer that is not a success still shows that the token is live."""
        if answer.status_code not in (401, 403, 404):
            self.fail(f"{token} was answered {answer.status_code}: {answer.content.decode()}")
        return answer.status_code != 401

    def _names(self, ids: Any) -> str:
        return " and ".join(sorted(name for name, account in self.world.accounts.items() if str(account.pk) in ids))
