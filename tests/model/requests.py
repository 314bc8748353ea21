"""Requests of clients and decisions of users, as Hypothesis draws them."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.model import world

SCOPE_SETS = (
    "accounts:read",
    "openid accounts:read balances:read",
    "openid profile",
    "openid email",
    "openid accounts:read transfers:read transfers:write",
    "openid accounts:read offline_access",
    "accounts:read transactions:read transfers:read transfers:write webhooks:manage offline_access",
    "accounts:read transactions:read transfers:read transfers:write webhooks:manage",
    "openid accounts:read transactions:read webhooks:manage",
    "openid grant_management_query accounts:read",
)
CLAIM_SETS: tuple[dict[str, list[str]], ...] = (
    {}, {}, {}, {"userinfo": ["email"]}, {"userinfo": ["name"]}, {"id_token": ["email"]},
)  # fmt: skip
RESOURCE_SETS: tuple[tuple[str, ...], ...] = ((), (), (world.API,), (world.OTHER_API,), (world.API, world.OTHER_API))
DETAIL_KINDS = ("", "", "", "accounts", "accounts and balances", "accounts and transactions", "payment")
# Effects between two features need the same user and client several times, so these are drawn more often.
users = st.sampled_from(("alice", "alice", "alice", *world.USERS))
apps = st.sampled_from(("shop", "shop", "shop", "phone", *world.WITH_USERS))
#: How far back from the newest object; mostly a small number.
numbers = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4))
keys = st.sampled_from(("", "", "blue", "red"))


@dataclass(frozen=True)
class Want:
    """The request of a client."""

    scopes: str = "accounts:read"
    details: str = ""
    claims: dict[str, list[str]] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    prompt: str = ""

    def __str__(self) -> str:
        extra = [f"details: {self.details}"] if self.details else []
        extra += [f"claims: {self.claims}"] if self.claims else []
        extra += [f"resources: {' '.join(self.resources)}"] if self.resources else []
        extra += [f"prompt={self.prompt}"] if self.prompt else []
        return ", ".join([self.scopes, *extra])


@dataclass(frozen=True)
class Reply:
    """The decision of a user. `picks`, `accounts` and `leaves_out` number accounts and optional scopes."""

    decision: str = "allow"
    picks: tuple[int, ...] = (0,)
    #: The accounts that the user picks for scopes without details; None means all accounts, also future ones.
    accounts: tuple[int, ...] | None = None
    leaves_out: int | None = None


picks = st.sampled_from(((0,), (1,), (0, 1)))
detail_kinds = st.sampled_from(DETAIL_KINDS)
wants = st.builds(
    Want,
    scopes=st.sampled_from(SCOPE_SETS),
    details=detail_kinds,
    claims=st.sampled_from(CLAIM_SETS),
    resources=st.sampled_from(RESOURCE_SETS),
    prompt=st.sampled_from(("", "", "", "", "none", "consent")),
)
#: The request of an app that asks for everything, for all accounts together.
much = st.builds(Want, scopes=st.sampled_from([scopes for scopes in SCOPE_SETS if "webhooks:manage" in scopes]))
#: A part of a sorted list of scopes.
parts = st.sampled_from((slice(1), slice(2), slice(1, None), slice(2, None)))
replies = st.builds(
    Reply,
    decision=st.sampled_from(("allow", "allow", "allow", "allow", "deny")),
    picks=picks,
    accounts=st.sampled_from((None, None, (0,), (1,), (0, 1))),
    leaves_out=st.sampled_from((None, None, 0, 1)),
)
#: Decisions on a page that is shown again. They include an allowance, which may have details.
refusals = st.sampled_from((Reply("deny"), Reply(leaves_out=0), Reply(leaves_out=1), Reply(), Reply(accounts=(0,))))
#: The usual.
ACCOUNTS, ALLOW = Want(), Reply()
