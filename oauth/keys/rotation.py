"""Changing the key that signs: published first, active when everybody has it, retired when nothing it signed lives.

The rows hold all times, so every worker process changes keys at the same moment without being told.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from oauth.conf import SIGNING_ALGORITHMS, conf
from oauth.keys import encryption, ring
from oauth.keys.generation import generate, lock
from oauth.models import AuditEvent, SigningKey

# No token of ours lives longer (oauth.E003), whatever its client's own lifetime.
LONGEST_TOKEN_LIFETIME = timedelta(minutes=15)


def rotate(algorithm: str, *, actor: str = "") -> SigningKey:
    """Publishes the next key; it signs once every cache of the JWK Set has it, and the key before it retires.

    `actor` is the admin who wants it, by primary key, for the audit log.
    """
    with transaction.atomic():
        now = timezone.now()
        coming = generate(algorithm)
        # Our own workers, then caches that obey max-age, then clocks that are off.
        coming.active_at = now + 2 * conf.KEY_CACHE_LIFETIME + conf.CLOCK_SKEW
        _retire(algorithm, at=coming.active_at)
        coming.save()
        AuditEvent.record(AuditEvent.Action.KEY_PUBLISHED, actor=actor, reason=f"{algorithm} {coming.kid}")
    ring.forget()
    return coming


def replace_now(algorithm: str, *, actor: str = "") -> SigningKey:
    """For a key that may be known to somebody: everything it signed is refused from now on, everywhere within
    KEY_CACHE_LIFETIME and the resource servers' own refresh."""
    with transaction.atomic():
        now = timezone.now()
        known = SigningKey.objects.select_for_update().filter(algorithm=algorithm, retired_at=None)
        known.update(retiring_at=now, retired_at=now)
        SigningKey.objects.filter(algorithm=algorithm, retired_at__gt=now).update(retiring_at=now, retired_at=now)
        coming = generate(algorithm)
        coming.save()
        reason = f"all of {algorithm}, replaced by {coming.kid}"
        AuditEvent.record(AuditEvent.Action.KEY_RETIRED, actor=actor, reason=reason)
    ring.forget()
    return coming


def rotate_where_due() -> list[SigningKey]:
    """Rotates each algorithm whose newest key is KEY_ROTATION_INTERVAL old; run it often, whoever runs it twice."""
    oldest = timezone.now() - conf.KEY_ROTATION_INTERVAL
    rotated = []
    for algorithm in SIGNING_ALGORITHMS:
        with transaction.atomic():
            lock(algorithm)
            newest = SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()
            if newest is None or newest.active_at <= oldest:
                rotated.append(rotate(algorithm))
    return rotated


def reencrypt() -> int:
    """Encrypts every private key, and what other apps keep under these keys, under the newest of KEY_ENCRYPTION_KEYS;
    after that the older ones can go. Gives how many secrets that were."""
    others = sum(int(changed or 0) for _receiver, changed in encryption.encrypting_anew.send(sender=None))
    with transaction.atomic():
        rows = list(SigningKey.objects.select_for_update().order_by("pk"))
        for row in rows:
            row.private_key_encrypted = encryption.encrypt(encryption.decrypt(bytes(row.private_key_encrypted)))
            row.save(update_fields=["private_key_encrypted"])
        AuditEvent.record(AuditEvent.Action.KEYS_REENCRYPTED, reason=f"{len(rows)} keys, {others} other secrets")
    return len(rows) + others


def next_rotation(algorithm: str) -> datetime | None:
    """When `rotate_where_due` will publish the next key; None where none signs or will sign."""
    newest = SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()
    return newest.active_at + conf.KEY_ROTATION_INTERVAL if newest else None


def _retire(algorithm: str, *, at: datetime) -> None:
    """Those that sign stop at that time, and leave the JWK Set when the last token they signed is over."""
    gone = at + LONGEST_TOKEN_LIFETIME + conf.CLOCK_SKEW
    signing = SigningKey.objects.select_for_update().filter(algorithm=algorithm, retiring_at=None)
    signing.update(retiring_at=at, retired_at=gone)
