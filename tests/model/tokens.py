"""Compares each response of the token endpoint with what the user allowed, and keeps its tokens."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from oauth.conf import conf
from oauth.models.client import GrantType
from tests.lib.oauth_client import VERIFIER, decoded
from tests.lib.token_exchange import ACCESS_TOKEN
from tests.model import wire, world
from tests.model.moves import move
from tests.model.oracle import Access, Allowed, Code, Limit, Picked, Refresh
from tests.model.requests import keys, numbers
from tests.model.stage import Stage

#: The clients whose tokens the gateway may exchange.
FRONTS = ("shop", "phone")


class Tokens(Stage):
    # --- issued tokens

    def _take(
        self, body: dict[str, Any], app: str, allowed: Allowed, scopes: frozenset[str], resources: frozenset[str],
        key: str, *, replaces: Refresh | None = None, generation: int | None = None,
    ) -> None:  # fmt: skip
        """Checks a token response against what was allowed, and keeps its tokens."""
        given = frozenset(body["scope"].split())
        self._check_scopes(app, given, scopes & allowed.scopes)
        if bool(key) != (body["token_type"] == "DPoP"):
            self.fail(f"a {body['token_type']} token, although the client {'proved a key' if key else 'proved none'}")
        if allowed.grant_id and body["grant_id"] != allowed.grant_id:
            self.fail("tokens of another grant")
        allowed.grant_id = body["grant_id"]
        self._check_details(body.get("authorization_details", []), allowed)
        expires_at = self.now + timedelta(seconds=body["expires_in"])
        if expires_at > allowed.ends_at:
            self.fail("a token outlives what was allowed")
        token = Access(body["access_token"], app, allowed, given, resources, expires_at, key, allowed.epoch)
        token.details = allowed.details
        self._keep(token)
        is_repeated = replaces is not None and body.get("refresh_token") == replaces.value
        if "refresh_token" in body and not is_repeated:
            public = self.apps[app].is_public
            # RFC 6749 §6: a successor may do what its predecessor could, even if one request was for less.
            row = Refresh(
                body["refresh_token"], app, allowed, replaces.scopes if replaces else scopes, resources,
                min(self.now + conf.REFRESH_TOKEN_IDLE_LIFETIME, allowed.ends_at), key if public else "",
                generation=allowed.generation if generation is None else generation,
            )  # fmt: skip
            self.model.refresh_tokens.append(row)
            if replaces is not None:
                row.replaces = replaces
                replaces.superseded_at = replaces.superseded_at or self.now
                replaces.successor = row

    def _check_scopes(self, app: str, given: frozenset[str], most: frozenset[str]) -> None:
        if not given <= most:
            self.fail(f"{app} was given {sorted(given - most)}, which was not allowed")
        if beyond := given - self.model.facts[app].scopes:
            self.fail(f"{app} was given {sorted(beyond)}, which it may not have (any more)")

    def _check_details(self, details: list[dict[str, Any]], allowed: Allowed) -> None:
        """The details in the tokens are those that the user picked. If there are details, no token lacks them."""
        if bool(details) != bool(allowed.details) or len(details) > len(allowed.details):
            self.fail(f"tokens with {len(details)} details, where {len(allowed.details)} were allowed")
        for given, detail in zip(details, allowed.details, strict=True):
            if isinstance(detail, Limit):
                whole = detail.chosen is None and given.get("accounts_by") == "user"
                named = set(given["scopes"]) <= detail.limits and (
                    whole or frozenset(given.get("accounts", ["?"])) <= detail.accounts
                )
            elif isinstance(detail, Picked):
                named = frozenset(given.get("accounts", [])) <= detail.accounts and set(given["actions"]) <= set(
                    detail.actions
                )
            else:
                named = given["debtor_account"] == detail.source
            if not named:
                self.fail(f"tokens name {given}, which was not picked")

    def _keep(self, token: Access) -> Access:
        token.number = len(self.model.access_tokens)
        self.model.access_tokens.append(token)
        self.fresh = [token, *self.fresh][:2]
        return token


class Redeeming(Tokens):
    @move(
        3, when=lambda self: any(not self._why_not_redeemed(one) for one in self.model.codes), number=numbers, key=keys
    )
    def redeem(self, number: int = 0, key: str = "") -> None:
        """Redeems a code that was kept, or one that was used before."""
        if code := self.pick(sorted(self.model.codes, key=lambda one: not self._why_not_redeemed(one)), number):
            self.tell(f"{code.app} redeems {'again ' if code.is_used else ''}a {code.kind} of {code.allowed.user}")
            self._redeem(code, key)

    def _redeem(self, code: Code, key: str) -> None:
        client = self.apps[code.app]
        if client.always_dpop:
            key = key or "blue"
        form = {
            "code": {
                "grant_type": "authorization_code", "code": code.value, "code_verifier": VERIFIER,
                "redirect_uri": code.redirect_uri,
            },
            "device_code": {"grant_type": GrantType.DEVICE_CODE.value, "device_code": code.value},
            "auth_req_id": {"grant_type": GrantType.CIBA.value, "auth_req_id": code.value},
        }[code.kind]  # fmt: skip
        why = self._why_not_redeemed(code)
        answer = wire.post(client, "/oauth/token", form, key=key)
        if answer.status_code == 200:
            if why:
                self.fail(f"a {code.kind} was redeemed although {why}")
            code.is_used = True
            self.add("tokens")
            self._take(
                answer.json(), code.app, code.allowed, code.scopes, code.resources, key, generation=code.generation
            )
            return
        self.add(f"refused ({answer.json()['error']})")
        if code.is_used and code.kind == "code" and not self.model.why_ended(code.allowed, self.now):
            if code.generation == code.allowed.generation and self.model.facts[code.app].is_active:
                code.allowed.ended = "its code was used twice"
                self.touched(allowed=code.allowed)
        elif not why and not code.allowed.may_have_ended and code.scopes <= self.model.facts[code.app].scopes:
            self.fail(f"a {code.kind} was refused for no reason: {answer.content.decode()}")

    def _why_not_redeemed(self, code: Code) -> str:
        if code.is_used:
            return "it was used before"
        if code.expires_at <= self.now:
            return "it has expired"
        if code.generation != code.allowed.generation:
            return "the grant was replaced"
        return self.model.why_ended(code.allowed, self.now)

    @move(
        2,
        when=lambda self: self.is_anything_allowed() and self.model.refresh_tokens,
        number=numbers,
        key=keys,
        narrows=st.booleans(),
    )
    def refresh(self, number: int = 0, key: str = "", narrows: bool = False) -> None:
        if token := self.pick(self.model.refresh_tokens, number):
            self._refresh(token, key, narrows=narrows)

    @move(
        4,
        when=lambda self: self._rotated() or self._retried(),
        number=numbers,
        key=keys,
        retries=st.booleans(),
        is_the_same_key=st.booleans(),
    )
    def rotate(self, number: int, key: str, retries: bool, is_the_same_key: bool) -> None:
        """A public client uses its newest refresh token, and may begin to use a DPoP key. Or it retries an older token
        because the answer was lost, or a thief uses that token, perhaps with a key.
        """
        newest, superseded = self._rotated(), self._retried()
        token: Refresh = self.pick(superseded if not newest or (retries and superseded) else newest, number)
        if token.successor is None:
            self._refresh(token, token.key or key)
        else:
            self._refresh(token, token.successor.key if is_the_same_key else key)

    def _rotated(self) -> list[Refresh]:
        """Returns the newest refresh tokens of public clients, except used ones that do not rotate."""
        of_public = [one for one in self.model.refresh_tokens if self.apps[one.app].is_public]
        return [
            one
            for one in of_public
            if not one.superseded_at
            and not (one.key and one.was_used)
            and not self.model.why_ended(one.allowed, self.now)
        ]

    def _retried(self) -> list[Refresh]:
        """Returns refresh tokens that were superseded within the retry window."""
        since = self.now - conf.REFRESH_TOKEN_RETRY_WINDOW
        superseded = [one for one in self.model.refresh_tokens if one.superseded_at and one.superseded_at > since]
        return [one for one in superseded if not self.model.why_ended(one.allowed, self.now)]

    def _refresh(self, token: Refresh, key: str, *, narrows: bool = False) -> None:
        client = self.apps[token.app]
        if client.always_dpop:
            key = key or "blue"
        scopes = token.scopes
        form = {"grant_type": "refresh_token", "refresh_token": token.value}
        if narrows and len(scopes) > 1:
            scopes = frozenset(sorted(scopes)[:-1])
            form["scope"] = " ".join(sorted(scopes))
        self.tell(
            f"{token.app} refreshes token {self.model.refresh_tokens.index(token)} of {token.allowed.user}"
            + (f" with its {key} key" if key else "")
        )
        why = self.model.why_not_refreshed(token, key, self.now)
        answer = wire.post(client, "/oauth/token", form, key=key)
        if answer.status_code != 200:
            self.add(f"refused ({answer.json()['error']})")
            self._refused_refresh(token, why, scopes, answer)
            return
        if why:
            self.fail(f"a refresh token was taken although {why}")
        self.add("tokens")
        token.was_used = True
        if token.key or not self.apps[token.app].is_public:
            self._extend(token)
        self.model.refreshed(token, key, self.now)
        self._take(answer.json(), token.app, token.allowed, scopes, token.resources, key, replaces=token)

    def _extend(self, token: Refresh) -> None:
        """Each use extends the life of a refresh token that does not rotate, and its row is written at most once an
        hour.
        """
        end = min(self.now + conf.REFRESH_TOKEN_IDLE_LIFETIME, token.allowed.ends_at)
        if end - token.expires_at >= timedelta(hours=1):
            token.expires_at = end

    def _refused_refresh(self, token: Refresh, why: str, scopes: frozenset[str], answer: Any) -> None:
        if not why:
            # Scopes that staff removed and gave back may be missing in tokens that were issued in between.
            is_narrower = answer.json()["error"] == "invalid_scope"
            may = is_narrower or token.allowed.may_have_ended or not scopes <= self.model.facts[token.app].scopes
            if not may:
                self.fail(f"a refresh was refused for no reason: {answer.content.decode()}")
        elif why in ("it was used before", "another branch has gone on", "its bound successor was used"):
            # RFC 9700 §4.14.2: a stolen token was used, so the family ends, whichever check has noticed it.
            token.allowed.may_have_ended = True
            self.touched(allowed=token.allowed)


class Exchanging(Tokens):
    @move(2, when=lambda self: self.tokens(), number=numbers)
    def exchange(self, number: int = 0) -> None:
        """RFC 8693: the gateway was called with a token, which it exchanges."""
        # Tokens that the gateway may exchange come last.
        tokens = sorted(self.tokens(), key=lambda one: one.app in FRONTS and not one.key)
        if token := self.pick(tokens, number):
            self.tell(f"gateway exchanges {token}")
            answer = self._exchange(token)
            if answer.status_code != 200:
                self.add(f"refused ({answer.json()['error']})")
                return
            self.add("a token")
            self._take_exchanged(token, answer.json())

    def _exchange(self, token: Access) -> Any:
        form = {
            "grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": token.value,
            "subject_token_type": ACCESS_TOKEN,
        }  # fmt: skip
        answer = wire.post(self.apps["gateway"], "/oauth/token", form)
        if answer.status_code == 200:
            self._check_exchange(token)
        return answer

    def _check_exchange(self, token: Access) -> None:
        if token.key:
            self.fail(f"{token} is bound to a key, and was exchanged for one that is not")
        if token.app not in (*FRONTS, "gateway"):
            self.fail(f"the gateway exchanged a token of {token.app}")
        if why := self.model.why_dead(token, self.now):
            self.fail(f"{token} was exchanged although {why}")

    def _take_exchanged(self, token: Access, body: dict[str, Any]) -> Access:
        scopes = frozenset(body["scope"].split())
        if not scopes <= token.scopes & self.model.facts["gateway"].scopes:
            self.fail(f"an exchange of {token} widened it to {sorted(scopes)}")
        # Compare `exp`, because `expires_in` is rounded down.
        if decoded(body["access_token"])["exp"] > decoded(token.value)["exp"]:
            self.fail(f"an exchange of {token} made it live longer")
        expires_at = self.now + timedelta(seconds=body["expires_in"])
        return self._keep(
            Access(
                body["access_token"], "gateway", token.allowed, scopes, token.resources, expires_at,
                epoch=token.epoch, details=token.details, exchanged_from=token.exchanged_from or token.app,
            )
        )  # fmt: skip

    @move(
        1,
        when=lambda self: (
            self.is_anything_allowed() and not any(one.allowed is None for one in self.model.access_tokens[-10:])
        ),
        app=st.sampled_from(("shop", "gateway")),
    )
    def act_for_itself(self, app: str) -> None:
        """RFC 6749 §4.4: such a token gives access to no account."""
        self.tell(f"{app} gets a token of its own")
        answer = wire.post(self.apps[app], "/oauth/token", {"grant_type": "client_credentials"})
        if answer.status_code != 200:
            self.add(f"refused ({answer.json()['error']})")
            return
        body = answer.json()
        scopes = frozenset(body["scope"].split())
        self._check_scopes(app, scopes, self.model.facts[app].scopes)
        expires_at = self.now + timedelta(seconds=body["expires_in"])
        self._keep(Access(body["access_token"], app, None, scopes, frozenset({world.API, world.OTHER_API}), expires_at))
