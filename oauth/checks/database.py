"""`manage.py check --database default`: whether a background worker runs, and whether secrets can be decrypted."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, router

from oauth.keys import encryption
from oauth.models import Client, SigningKey
from oauth.operations import workers


@register(Tags.database)
def check_worker(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    alias = router.db_for_write(Client) or "default"
    if alias not in (databases or ()):
        return []
    try:
        is_running = workers.last_seen_at(using=alias) is not None
    except DatabaseError:
        return []  # before the first `migrate`, or without a database, both of which other checks report
    if is_running:
        return []
    return [
        Warning(
            "No background worker is running: clients are not notified of logouts, and no signing keys are published.",
            hint="Run `manage.py worker` beside the server, or `serve --with-worker`.",
            id="oauth.W003",
        )
    ]


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Also run by `serve`, because with other keys every token request and the JWK Set would fail."""
    alias = router.db_for_read(SigningKey) or "default"
    if alias not in (databases or ()):
        return []
    try:
        keys = SigningKey.objects.using(alias).published().exclude(private_key_encrypted=b"")
        locked = [key for key in keys if not _can_decrypt(key)]
    except (DatabaseError, ImproperlyConfigured):
        return []  # as in check_worker, or without a valid key, which oauth.E002 reports
    if not locked:
        return []
    return [
        Error(
            f'OAUTH["KEY_ENCRYPTION_KEYS"] cannot decrypt {len(locked)} signing keys in the database, such as '
            f"{locked[0].kid}: they were encrypted with a key that is not in the list.",
            hint="Add the earlier key to the end of KEY_ENCRYPTION_KEYS. If it is lost: `manage.py rotate_keys "
            "--emergency --next-leaked` makes new signing keys, and `manage.py rotate_keys --forget-lost` removes "
            "second factors that nobody can check any more.",
            id="oauth.E041",
        )
    ]


def _can_decrypt(key: SigningKey) -> bool:
    try:
        encryption.decrypt(bytes(key.private_key_encrypted))
    except InvalidToken:
        return False
    return True
