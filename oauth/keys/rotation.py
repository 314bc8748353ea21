"""Key rotation: a key is published first, active once every cache has it, and retired when its last token has expired.

The rows hold all times, so all worker processes change keys at the same moment.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.keys import encryption, ring
from oauth.keys.generation import generate, lock
from oauth.keys.policy import policy
from oauth.models import AuditEvent, SigningKey

# No token of ours lives longer (oauth.E003), whatever its client's own lifetime.
LONGEST_TOKEN_LIFETIME = timedelta(minutes=15)


def rotate(algorithm: str, *, actor: str = "") -> SigningKey:
    """Publishes the next key. It signs once every cache of the JWK Set has it; then the previous key retires.

    `actor` is the primary key of the admin, for the audit log.
    """
    with transaction.atomic():
        now = timezone.now()
        coming = generate(algorithm)
        # Our own workers, then caches that obey max-age, then clocks that are off.
        coming.active_at = now + 2 * policy.values.cache_lifetime + policy.values.clock_skew
        _retire(algorithm, at=coming.active_at)
        coming.save()
        AuditEvent.record(AuditEvent.Action.KEY_PUBLISHED, actor=actor, reason=f"{algorithm} {coming.kid}")
    ring.forget()
    return coming


def replace_now(algorithm: str, *, actor: str = "") -> SigningKey:
    """For a key that may have leaked: all tokens that it signed are refused, as soon as `policy.cache_lifetime` and
    the resource servers' own refresh allow."""
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
    """Rotates each algorithm whose newest key is `policy.rotation_interval` old. It may run often and in parallel."""
    oldest = timezone.now() - policy.values.rotation_interval
    rotated = []
    for algorithm in SIGNING_ALGORITHMS:
        with transaction.atomic():
            lock(algorithm)
            newest = SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()
            if newest is None or newest.active_at <= oldest:
                rotated.append(rotate(algorithm))
    return rotated


def reencrypt() -> int:
    """Re-encrypts every private key, and the secrets of other apps, under the newest of KEY_ENCRYPTION_KEYS. After that
    the older ones can be removed. Returns the number of secrets."""
    others = sum(int(changed or 0) for _receiver, changed in encryption.encrypting_anew.send(sender=None))
    with transaction.atomic():
        rows = list(SigningKey.objects.exclude(private_key_encrypted=b"").select_for_update().order_by("pk"))
        for row in rows:
            row.private_key_encrypted = encryption.encrypt(encryption.decrypt(bytes(row.private_key_encrypted)))
            row.save(update_fields=["private_key_encrypted"])
        AuditEvent.record(AuditEvent.Action.KEYS_REENCRYPTED, reason=f"{len(rows)} keys, {others} other secrets")
    return len(rows) + others


def next_rotation(algorithm: str) -> datetime | None:
    """When `rotate_where_due` will publish the next key; None if no key of the algorithm signs or will sign."""
    newest = SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()
    return newest.active_at + policy.values.rotation_interval if newest else None


def _retire(algorithm: str, *, at: datetime) -> None:
    """The current keys stop signing at that time, and leave the JWK Set when their last token has expired."""
    gone = at + LONGEST_TOKEN_LIFETIME + policy.values.clock_skew
    signing = SigningKey.objects.select_for_update().filter(algorithm=algorithm, retiring_at=None)
    signing.update(retiring_at=at, retired_at=gone)
