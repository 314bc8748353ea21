"""Encrypts the keys of authenticator apps and the seeds of recovery codes with KEY_ENCRYPTION_KEYS in the database
(ASVS 5.0 11.4.1, 14.2.6).

Older rows may hold plaintext until the background worker has encrypted them, so that two releases can run side by side.
"""

from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.second_factors import factors
from oauth.keys import encryption
from oauth.pages import brand

# No plaintext begins with this: the key of an authenticator app is base32, and a seed is hexadecimal.
_PREFIX = "fernet:"
_SECRETS = ("secret", "seed")
BATCH = 200


class SecondFactorAdapter(DefaultMFAAdapter):
    def _get_site_name(self) -> str:
        """The name that authenticator apps and devices show for this site."""
        return brand.current().name

    def encrypt(self, text: str) -> str:
        return _PREFIX + encryption.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises cryptography.fernet.InvalidToken if no configured key can decrypt it."""
        if not encrypted_text.startswith(_PREFIX):
            return encrypted_text
        return encryption.decrypt(encrypted_text.removeprefix(_PREFIX).encode()).decode()


def encrypt_all() -> int:
    """Encrypts every secret that is not encrypted with the newest of KEY_ENCRYPTION_KEYS. Returns how many factors
    changed.

    Each batch locks its rows, so that it cannot overwrite the concurrent use of a recovery code.
    """
    adapter, changed, after = SecondFactorAdapter(), 0, 0
    with_secret = Authenticator.objects.filter(type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES))
    while True:
        with transaction.atomic():
            rows = list(with_secret.filter(pk__gt=after).select_for_update().order_by("pk")[:BATCH])
            for row in rows:
                if _is_lost(row.data):
                    continue
                data = _under_the_newest_key(row.data, adapter)
                if data != row.data:
                    row.data = data
                    row.save(update_fields=["data"])
                    changed += 1
        if not rows:
            return changed
        after = rows[-1].pk


def lost(*, forget: bool) -> int:
    """Counts the factors whose secret no key of KEY_ENCRYPTION_KEYS can decrypt. With `forget`, removes them and
    notifies their users.
    """
    found = [row for row in Authenticator.objects.order_by("pk").iterator() if _is_lost(row.data)]
    if forget:
        for factor in found:
            factors.remove(factor)
    return len(found)


def _is_lost(data: dict[str, Any]) -> bool:
    texts = [data[name] for name in _SECRETS if name in data] + list(data.get("migrated_codes") or ())
    return any(one.startswith(_PREFIX) and encryption.is_lost(one.removeprefix(_PREFIX).encode()) for one in texts)


def _under_the_newest_key(data: dict[str, Any], adapter: SecondFactorAdapter) -> dict[str, Any]:
    renewed: Callable[[str], str] = lambda text: text if _is_newest(text) else adapter.encrypt(adapter.decrypt(text))  # noqa: E731
    data = {**data, **{name: renewed(data[name]) for name in _SECRETS if name in data}}
    if data.get("migrated_codes") is not None:
        data["migrated_codes"] = [renewed(code) for code in data["migrated_codes"]]
    return data


def _is_newest(text: str) -> bool:
    return text.startswith(_PREFIX) and encryption.is_newest(text.removeprefix(_PREFIX).encode())
