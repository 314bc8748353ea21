"""Changing the key that signs: published first, active when everybody has it, retired when nothing it signed lives.

All times stand in the rows, so every worker changes at the same moment without being told (RELIABILITY F12).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from oauth.conf import conf
from oauth.keys import ring
from oauth.keys.generation import generate
from oauth.models import SigningKey

# No token of ours lives longer (oauth.E003), whatever its client's own lifetime.
LONGEST_TOKEN_LIFETIME = timedelta(minutes=15)


def rotate(algorithm: str) -> SigningKey:
    """Publishes the next key; it signs once every cache of the JWK Set has it, and the key before it retires."""
    with transaction.atomic():
        now = timezone.now()
        coming = generate(algorithm)
        # Our own workers, then caches that obey max-age, then clocks that are off.
        coming.active_at = now + 2 * conf.KEY_CACHE_LIFETIME + conf.CLOCK_SKEW
        _retire(algorithm, at=coming.active_at)
        coming.save()
    ring.forget()
    return coming


def replace_now(algorithm: str) -> SigningKey:
    """For a key that may be known to somebody: everything it signed is refused from now on, everywhere within
    KEY_CACHE_LIFETIME and the resource servers' own refresh."""
    with transaction.atomic():
        now = timezone.now()
        known = SigningKey.objects.select_for_update().filter(algorithm=algorithm, retired_at=None)
        known.update(retiring_at=now, retired_at=now)
        SigningKey.objects.filter(algorithm=algorithm, retired_at__gt=now).update(retiring_at=now, retired_at=now)
        coming = generate(algorithm)
        coming.save()
    ring.forget()
    return coming


def _retire(algorithm: str, *, at: datetime) -> None:
    """Those that sign stop at that time, and leave the JWK Set when the last token they signed is over."""
    gone = at + LONGEST_TOKEN_LIFETIME + conf.CLOCK_SKEW
    signing = SigningKey.objects.select_for_update().filter(algorithm=algorithm, retiring_at=None)
    signing.update(retiring_at=at, retired_at=gone)
