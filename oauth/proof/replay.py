"""What counts once, at every worker alike (RFC 9449 §11.1): by the function that OAUTH["REPLAY_CHECK"] names.

A resource server without a database counts in Django's shared cache, where `add` is atomic.
"""

import hashlib
from datetime import timedelta

from django.core.cache import cache
from django.utils.module_loading import import_string

from oauth.conf import conf


def is_first_use(*what: str, lifetime: timedelta) -> bool:
    """Remembered for `lifetime`. Fails closed: where nobody can tell, it raises what the store raises."""
    digest = hashlib.sha256("\n".join(what).encode()).digest()
    is_first: bool = import_string(conf.REPLAY_CHECK)(digest, lifetime)
    return is_first


def in_cache(digest: bytes, lifetime: timedelta) -> bool:
    return bool(cache.add(f"oauth.used.{digest.hex()}", 1, lifetime.total_seconds()))
