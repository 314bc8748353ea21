"""The operator's decisions about an import."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from oauth.dot_import.mapping import Mapping

BATCH = 2000


@dataclass(frozen=True)
class Options:
    mapping: Mapping
    #: The field of this site's user model whose value equals `Source.user_field` of the old one. Empty: users have the
    #: same primary keys.
    match_users: str = ""
    #: Whether scopes without a mapping are dropped instead of stopping the import.
    drops_unmapped: bool = False
    #: Whether each client gets every mapped scope, as in DOT, instead of only those of its tokens.
    gives_all_scopes: bool = False
    #: DOT's REFRESH_TOKEN_EXPIRE_SECONDS. None: DOT's refresh tokens do not expire.
    refresh_token_expiry: timedelta | None = None
    remembers_consent: bool = True
    batch: int = BATCH

    @property
    def digest(self) -> str:
        """A digest of all options and of the mapping."""
        decisive = {name: value for name, value in asdict(self).items() if name != "batch"}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()
