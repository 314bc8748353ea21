"""A valid authorization request, stored while the user logs in and decides."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from oauth.models.scope import scopes_of_claims

_TUPLES = ("scopes", "resources", "acr_values", "essential_acr_values", "ui_locales", "authorization_details")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Everything that the consent page shows and that the code refers to.

    `claims` has the individually requested claims, `{"id_token": [...], "userinfo": [...]}`. `subject` is the `sub` (as
    this client sees it) of the only user whose login is accepted; empty if the client named no user.
    """

    client_id: str
    redirect_uri: str
    response_type: str
    response_mode: str
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    code_challenge: str
    nonce: str
    prompts: frozenset[str]
    max_age: timedelta | None
    acr_values: tuple[str, ...]
    essential_acr_values: tuple[str, ...]
    claims: dict[str, list[str]]
    subject: str
    login_hint: str
    ui_locales: tuple[str, ...]
    dpop_jkt: str
    authorization_details: tuple[dict[str, Any], ...]
    grant_management_action: str
    grant_id: str
    created_at: datetime
    pushed_id: int | None = None  # the row of a pushed request; the response deletes it

    @property
    def is_silent(self) -> bool:
        """prompt=none: no page may be shown (OpenID Connect Core §3.1.2.1)."""
        return "none" in self.prompts

    @property
    def consented_scopes(self) -> frozenset[str]:
        """The scopes on the consent page: the requested ones and those of individually requested claims."""
        return frozenset(self.scopes) | scopes_of_claims(name for names in self.claims.values() for name in names)

    def to_json(self) -> dict[str, Any]:
        """The request as stored in the database."""
        stored = {f.name: getattr(self, f.name) for f in fields(self)}
        return stored | {
            "prompts": sorted(self.prompts),
            "max_age": None if self.max_age is None else self.max_age.total_seconds(),
            "created_at": self.created_at.timestamp(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "AuthorizationRequest":
        max_age = stored["max_age"]
        return cls(
            **{
                **stored,
                **{name: tuple(stored[name]) for name in _TUPLES},
                "prompts": frozenset(stored["prompts"]),
                "max_age": None if max_age is None else timedelta(seconds=max_age),
                "created_at": datetime.fromtimestamp(stored["created_at"], tz=timezone.get_default_timezone()),
            }
        )
