"""Stores that never export a private key, such as an HSM: OAUTH["KEY_STORES"].

    OAUTH["KEY_STORES"] = {
        "aws": {"BACKEND": "oauth.keys.stores.aws_kms.AWSKMS", "OPTIONS": {"region_name": "eu-central-1"}},
    }

Without a store, private keys are in the database, encrypted (`oauth.keys.encryption`). Each key's row names its store,
so keys of different stores can be used at the same time during a migration. Other apps add stores by subclassing
`key_store.KeyStore`.
"""

from typing import Any

from django.utils.module_loading import import_string

from oauth.infrastructure.caches import until_cleared
from oauth.keys.policy import policy
from oauth.keys.stores.key_store import DATABASE, DATABASE_NAME, KeyStore, KeyStoreError, NewKey

__all__ = ["DATABASE", "DATABASE_NAME", "KeyStore", "KeyStoreError", "NewKey", "choices", "named"]


def choices(algorithm: str) -> list[str]:
    """The names of the stores that support this algorithm, including `DATABASE`, which is ""."""
    return [DATABASE, *(name for name in policy.values.stores if algorithm in named(name).algorithms)]


@until_cleared
def named(name: str) -> KeyStore:
    """Returns the process's single instance of the store. Raises KeyStoreError if there is no such store or its options
    are wrong.
    """
    if name not in policy.values.stores:
        known = ", ".join(policy.values.stores) or "none"
        raise KeyStoreError(f'{name} must be {DATABASE_NAME}, or a name in OAUTH["KEY_STORES"] (now: {known}).')
    try:
        described = policy.values.stores[name]
        made: Any = import_string(described["BACKEND"])(**described.get("OPTIONS", {}))
    except (KeyError, ImportError, TypeError, ValueError) as error:
        raise KeyStoreError(f'OAUTH["KEY_STORES"]["{name}"] cannot be used: {error!r}') from error
    if not isinstance(made, KeyStore):
        raise KeyStoreError(f'OAUTH["KEY_STORES"]["{name}"]: {described["BACKEND"]} is not a subclass of KeyStore.')
    return made
