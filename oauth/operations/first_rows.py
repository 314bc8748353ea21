"""Creates the rows that must exist before the first request: scopes and the first signing keys.

Runs after `migrate`. Adds missing rows and changes no existing ones, which an admin may have edited.
"""

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf

_IDENTITY = ("openid", "profile", "email", "offline_access")
# New scopes with these suffixes are optional on the consent page.
_OPTIONAL = (":write", ":manage", ":detail")


def create_missing_rows() -> None:
    from oauth import keys
    from oauth.models import Scope

    def group(name: str) -> Scope.Group:
        if name in _IDENTITY:
            return Scope.Group.IDENTITY
        return Scope.Group.WRITE if name.endswith((":write", ":manage")) else Scope.Group.READ

    def is_optional(name: str) -> bool:
        return name in _IDENTITY[1:] or name.endswith(_OPTIONAL)

    Scope.objects.bulk_create(
        [
            Scope(name=name, sentence=sentence, group=group(name), position=position, is_optional=is_optional(name))
            for position, (name, sentence) in enumerate(conf.SCOPES.items())
        ],
        ignore_conflicts=True,
    )
    for algorithm in SIGNING_ALGORITHMS:  # each client can choose one
        keys.ensure_active_key(algorithm)
