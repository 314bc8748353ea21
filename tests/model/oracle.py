"""A model of what users last saw and allowed, in plain Python: it uses no database and no tokens of the server.

The moves of the machine record here what a user saw and pressed. The checks get from here what is allowed, and compare
it with what the server does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from oauth.conf import conf
from oauth.models.scope import scopes_of_claims

SCOPE_OF_ACTION = {"accounts": "accounts:read", "balances": "balances:read", "transactions": "transactions:read"}

OF_ACCOUNTS = frozenset(
    {*SCOPE_OF_ACTION.values(), "accounts:detail", "statements:read", "transfers:read", "transfers:write"}
)


class Violation(AssertionError):
    """The server did more than a user was shown and allowed, or its endpoints contradict each other."""


@dataclass(frozen=True)
class Facts:
    """The facts about a client on which a user decides."""

    name: str
    redirect_uris: tuple[str, ...]
    keys: str
    secret: bytes
    method: str
    profile: str
    scopes: frozenset[str]
    is_active: bool

    def identity(self) -> tuple[Any, ...]:
        """Consent without a page requires that all of these are unchanged, and also the host of the redirect URI."""
        return (self.name, self.keys, self.secret, self.method, self.profile)


@dataclass
class Picked:
    """Details of the type account_information: some accounts, for some actions."""

    actions: tuple[str, ...]
    accounts: frozenset[str]

    @property
    def scopes(self) -> set[str]:
        return {SCOPE_OF_ACTION[action] for action in self.actions}


@dataclass
class Payment:
    """Details of the type transfer: one payment, once."""

    source: str
    creditor_iban: str
    creditor_name: str
    amount_minor: int
    reference: str
    is_used: bool = False
    #: The transfer that was made with it.
    transfer_id: str = ""
    actions = ()
    scopes = frozenset({"transfers:write"})

    @property
    def accounts(self) -> frozenset[str]:
        return frozenset({self.source})


@dataclass
class Limit:
    """Details of the type account_access: the accounts that scopes cover. None means all accounts of the user,
    including future ones.
    """

    limits: frozenset[str]
    chosen: frozenset[str] | None = None
    scopes = frozenset[str]()

    @property
    def accounts(self) -> frozenset[str]:
        return self.chosen or frozenset()


Details = list[Picked | Payment | Limit]


def readable(details: Details, action: str, own: frozenset[str]) -> frozenset[str]:
    """Returns the accounts, out of the user's `own`, that may be read for an action."""
    return _covered(details, own, lambda one: action in one.actions, SCOPE_OF_ACTION[action])


def payable(details: Details, own: frozenset[str]) -> frozenset[str]:
    """The accounts that may be paid from."""
    return _covered(details, own, lambda one: True, "transfers:write")


def told_of_transfers(details: Details, own: frozenset[str]) -> frozenset[str]:
    return _covered(details, own, lambda one: "transactions" in one.actions, "transfers:read")


def touched_by(details: Details, own: frozenset[str]) -> frozenset[str]:
    """Returns every account that these details cover in any way."""
    return _covered(details, own, lambda one: True, "")


def _covered(
    details: Details, own: frozenset[str], names: Callable[[Picked | Payment], bool], scope: str
) -> frozenset[str]:
    if not details:
        return own
    found: set[str] = set()
    for one in details:
        if isinstance(one, Limit):
            if not scope or scope in one.limits:
                found |= own if one.chosen is None else one.chosen
        elif names(one):
            found |= one.accounts
    return frozenset(found) & own


def limited(details: Details) -> frozenset[str]:
    """The scopes that are allowed for some accounts only."""
    return frozenset().union(*(one.limits for one in details if isinstance(one, Limit)))


def only_limits(details: Details) -> bool:
    return all(isinstance(one, Limit) for one in details)


def limits_for(details: Details, scopes: frozenset[str]) -> Details:
    """Returns the same limits for these scopes, which an answer without a page may give."""
    found: Details = []
    for one in details:
        assert isinstance(one, Limit)
        if about := one.limits & scopes:
            found.append(Limit(about, one.chosen))
    return found


def joined(before: tuple[frozenset[str], Details], added: tuple[frozenset[str], Details]) -> Details:
    """The permissions of a grant after an update. Neither part widens or narrows the other."""
    if not before[1] and not added[1]:
        return []
    whole: Details = []
    for scopes, details in (before, added):
        about = scopes & OF_ACCOUNTS
        whole += details or ([Limit(about)] if about else [])
    return whole


@dataclass
class Allowed:
    """One authorization: what the consent page showed, if there was one, and what has happened to it since."""

    user: str
    app: str
    scopes: frozenset[str]
    resources: frozenset[str]
    claims: dict[str, list[str]]
    details: Details
    redirect_host: str
    identity: tuple[Any, ...]
    session: int
    ends_at: datetime
    grant_id: str = ""
    ended: str = ""
    #: What may be given again without a page: shown, allowed, and not taken back since. Nothing that is narrowed by
    #: details, and nothing that was silent itself.
    remembered: frozenset[str] = frozenset()
    #: Access tokens of an earlier epoch ended when the user picked again or replaced the grant.
    epoch: int = 0
    #: Codes and refresh tokens of an earlier generation ended when the grant was replaced.
    generation: int = 0
    #: Whether its client has a webhook.
    is_told: bool = False
    #: A higher number means that the user decided later.
    decision: int = 0
    #: Whether the server may have ended it although it did not have to.
    may_have_ended: bool = False

    @property
    def is_online(self) -> bool:
        return "offline_access" not in self.scopes

    @property
    def consented(self) -> frozenset[str]:
        """The scopes on the consent page: the requested ones, and those of claims requested by name."""
        return frozenset(self.scopes) | scopes_of_claims(name for names in self.claims.values() for name in names)

    @property
    def needed(self) -> frozenset[str]:
        """The scopes that are allowed only with details."""
        return frozenset().union(*(detail.scopes for detail in self.details))


@dataclass
class Code:
    """A code, a device code or an auth_req_id that its client may redeem once."""

    kind: str
    value: str
    app: str
    allowed: Allowed
    scopes: frozenset[str]
    resources: frozenset[str]
    expires_at: datetime
    redirect_uri: str = ""
    generation: int = 0
    is_used: bool = False


@dataclass(eq=False)
class Refresh:
    """`superseded_at` is when its first successor took its place; `successor` is the newest one. `is_dead`: another
    branch of the family continued."""

    value: str
    app: str
    allowed: Allowed
    scopes: frozenset[str]
    resources: frozenset[str]
    expires_at: datetime
    key: str = ""
    generation: int = 0
    superseded_at: datetime | None = None
    replaces: "Refresh | None" = None
    successor: "Refresh | None" = None
    was_used: bool = False
    is_dead: bool = False

    def ancestors(self) -> "list[Refresh]":
        line, one = [], self.replaces
        while one is not None:
            line.append(one)
            one = one.replaces
        return line


@dataclass
class Access:
    """An access token and its authorization, which is None if the client acts for itself."""

    value: str
    app: str
    allowed: Allowed | None
    scopes: frozenset[str]
    resources: frozenset[str]
    expires_at: datetime
    key: str = ""
    epoch: int = 0
    #: The details of the authorization when the token was issued. A later update of the grant changes only later
    #: tokens.
    details: Details = field(default_factory=list)
    #: The client whose token was exchanged for this one; empty if there was no exchange.
    exchanged_from: str = ""
    number: int = 0

    def __str__(self) -> str:
        whose = f"of {self.allowed.user}" if self.allowed else "of nobody"
        return f"access token {self.number} of {self.app} {whose}"


@dataclass
class Model:
    """All data of the model. `facts` and `accounts` are the present state; the rest is history."""

    facts: dict[str, Facts] = field(default_factory=dict)
    accounts: dict[str, frozenset[str]] = field(default_factory=dict)
    payable: dict[str, frozenset[str]] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    inactive: set[str] = field(default_factory=set)
    allowed: list[Allowed] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    refresh_tokens: list[Refresh] = field(default_factory=list)
    access_tokens: list[Access] = field(default_factory=list)
    decisions: int = 0

    # --- what is allowed

    def why_ended(self, allowed: Allowed, now: datetime) -> str:
        """Returns why an authorization must not work now; empty if it may."""
        if allowed.ended:
            return allowed.ended
        if allowed.ends_at <= now:
            return "it has expired"
        if allowed.user in self.inactive:
            return f"{allowed.user} is deactivated"
        if not self.facts[allowed.app].is_active:
            return f"{allowed.app} is disabled"
        return ""

    def why_dead(self, token: Access, now: datetime) -> str:
        """Returns why an access token must not work now at any endpoint; empty if it may."""
        if token.expires_at + conf.CLOCK_SKEW < now:
            return "it has expired"
        if not self.facts[token.app].is_active:
            return f"{token.app} is disabled"
        if token.allowed is None:
            return ""
        if why := self.why_ended(token.allowed, now):
            return why
        if token.epoch != token.allowed.epoch:
            return "what it stands for was changed since"
        return ""

    def taken(self, token: Access) -> frozenset[str]:
        """The scopes of an access token that staff or the client have since taken from its client or, after token
        exchange, from the client that the user allowed.
        """
        clients = {token.app, token.allowed.app if token.allowed else token.app}
        return token.scopes.difference(frozenset.intersection(*(self.facts[one].scopes for one in clients)))

    def must_work(self, token: Access, now: datetime) -> bool:
        """Whether a refusal would be a fault. Without this check, a server that refuses everything would pass."""
        if self.why_dead(token, now) or token.expires_at <= now:
            return False
        return token.allowed is None or not token.allowed.may_have_ended

    def covering(self, asked: Allowed, redirect_host: str, now: datetime) -> list[Allowed]:
        """Returns the consents that were shown, are still valid and cover the request, so that a code may be given
        without a page.
        """
        return [
            one
            for one in self.standing(asked.user, asked.app, now)
            if not asked.details
            and asked.consented <= one.remembered
            and asked.resources <= one.resources
            and one.redirect_host == redirect_host
            and one.identity == self.facts[asked.app].identity()
        ]

    def why_not_refreshed(self, token: Refresh, key: str, now: datetime) -> str:
        """Returns why a refresh must be refused."""
        if why := self.why_ended(token.allowed, now):
            return why
        if token.generation != token.allowed.generation:
            return "the grant was replaced"
        if token.is_dead:
            return "another branch has gone on"
        if token.expires_at <= now:
            return "it has not been used for too long"
        if token.key and token.key != key:
            return "it is bound to another key"
        if token.superseded_at is None:
            return ""
        if token.superseded_at + conf.REFRESH_TOKEN_RETRY_WINDOW <= now:
            return "it was used before"
        bound = [one for one in self.refresh_tokens if one.key and not one.is_dead and token in one.ancestors()]
        if any(one.was_used for one in bound):
            return "its bound successor was used"
        if any(one.key != key for one in bound):
            return "the client has moved to a key"
        return ""

    def refreshed(self, token: Refresh, key: str, now: datetime) -> None:
        """The branch of the token continues. The others continue beside it within the retry window, unless this client has
        begun to prove a key and they have none."""
        ancestors = [token, *token.ancestors()]
        for other in self.refresh_tokens:
            parted = next((one for one in [other, *other.ancestors()] if one in ancestors), None)
            if parted is None or other in ancestors or parted.superseded_at is None:
                continue
            is_young = parted.superseded_at + conf.REFRESH_TOKEN_RETRY_WINDOW > now
            if not is_young or (key and not other.key and other.superseded_at is None):
                other.is_dead = True

    # --- changes that end authority

    def decided(self, shown: Allowed, allowed: Allowed | None) -> None:
        """A consent page was answered. What the user left out, denied or allowed only with details must be shown again
        before it may be given without details.
        """
        withheld = shown.consented - (allowed.consented if allowed else frozenset())
        in_part = limited(allowed.details) if allowed else frozenset[str]()
        self.forget(shown.user, shown.app, withheld | shown.needed | in_part)
        if allowed is not None:
            self.decisions += 1
            allowed.decision = self.decisions
            allowed.remembered = allowed.consented if only_limits(allowed.details) else frozenset()

    def forget(self, user: str, app: str, scopes: frozenset[str]) -> None:
        for one in self.allowed:
            if (one.user, one.app) == (user, app):
                one.remembered -= scopes

    def end(self, why: str, **which: Any) -> None:
        """Ends all valid authorizations with these attributes."""
        for one in self.allowed:
            if not one.ended and all(getattr(one, name) == value for name, value in which.items()):
                one.ended = why

    def may_end(self, app: str) -> None:
        """The client was changed: the server may end its authorizations, or only ask for consent again."""
        for one in self.allowed:
            if one.app == app:
                one.may_have_ended = True

    def standing(self, user: str, app: str, now: datetime) -> list[Allowed]:
        return [one for one in self.alive(now) if (one.user, one.app) == (user, app)]

    def alive(self, now: datetime) -> list[Allowed]:
        return [one for one in self.allowed if not self.why_ended(one, now)]


def lifetime() -> timedelta:
    return conf.AUTHORIZATION_LIFETIME
