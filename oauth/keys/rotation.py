"""Key rotation. The next key is published long before it signs, so that every cached JWK Set has it by then.

The next key signs at the end of `policy.rotation_interval`; if staff rotate keys, as soon as every cache has it; in an
emergency, immediately. The previous key is removed from the JWK Set when its last token has expired. All times are
stored in the rows, so all worker processes change keys at the same moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.keys import encryption, ring
from oauth.keys.generation import generate, lock
from oauth.keys.policy import policy
from oauth.models import AuditEvent, SigningKey
from oauth.models.signing_key import EMERGENCY_GRACE

# No token has a longer lifetime (oauth.E003), not even that of a client with its own lifetime.
LONGEST_TOKEN_LIFETIME = timedelta(minutes=15)


def rotate(algorithm: str, *, actor: str = "", store: str | None = None) -> SigningKey:
    """Makes the next key sign as soon as every cache has it, publishes one more, and returns the next key.

    `actor` is the primary key of the admin, for the audit log. `store` is the store for new keys; None means the
    current one. Raises KeyStoreError.
    """
    with transaction.atomic():
        lock(algorithm)
        coming = _next(algorithm)
        if coming is not None and store not in (None, coming.store):
            # Retire this key at once, because it has never signed.
            coming.retiring_at = coming.retired_at = timezone.now()
            coming.save()
            coming = None
        coming = coming or _publish(algorithm, actor=actor, store=store)
        _take_over(coming, at=max(timezone.now(), _known_everywhere(coming)))
        _publish(algorithm, actor=actor)
    ring.forget()
    return coming


def replace_now(algorithm: str, *, actor: str = "", store: str | None = None, next_leaked: bool = False) -> SigningKey:
    """For a key that may have leaked: the next key signs immediately. Tokens signed by other keys are refused after
    EMERGENCY_GRACE, when no process of the site still signs with them.

    Resource servers already have the next key, so they accept new tokens immediately. An attacker who has the database
    and KEY_ENCRYPTION_KEYS also has the next key: `next_leaked` then generates a new one. With `next_leaked` or a
    different `store`, resource servers on other machines may refuse new tokens for some seconds, until they have
    fetched the JWK Set. Raises KeyStoreError.
    """
    with transaction.atomic():
        lock(algorithm)
        waiting, place = _next(algorithm), store_of(algorithm) if store is None else store
        if waiting is None or next_leaked or _known_everywhere(waiting) > timezone.now() or waiting.store != place:
            waiting = generate(algorithm, store=place)
        now = timezone.now()
        others = SigningKey.objects.select_for_update().filter(algorithm=algorithm).exclude(kid=waiting.kid)
        for row in others.exclude(retired_at__lte=now):
            row.retired_at = now + (EMERGENCY_GRACE if _may_sign(row, now) else timedelta(0))
            row.retiring_at = now
            row.save(update_fields=["retiring_at", "retired_at"])
        waiting.active_at = now
        waiting.save()
        reason = f"all of {algorithm}, replaced by {waiting.kid}"
        AuditEvent.record(AuditEvent.Action.KEY_RETIRED, actor=actor, reason=reason)
        _publish(algorithm, actor=actor)
    ring.forget()
    return waiting


def _may_sign(key: SigningKey, now: datetime) -> bool:
    """Whether a process that has not read the change yet may still sign with this key."""
    has_signed = key.signs_at(now) or key.signs_at(now - EMERGENCY_GRACE)
    return has_signed and (bool(key.store) or not encryption.is_lost(bytes(key.private_key_encrypted)))


def rotate_where_due() -> list[SigningKey]:
    """Publishes the next key of each algorithm that has none, and returns the published keys. Can run often and in
    parallel.
    """
    published = []
    for algorithm in SIGNING_ALGORITHMS:
        with transaction.atomic():
            lock(algorithm)
            if _next(algorithm) is None:
                published.append(_publish(algorithm))
    if published:
        ring.forget()
    return published


def reencrypt() -> int:
    """Re-encrypts all private keys and the secrets of other apps with the newest of KEY_ENCRYPTION_KEYS, and returns
    their number. Then the older keys can be removed, unless `lost` finds something.
    """
    others = sum(int(changed or 0) for _receiver, changed in encryption.encrypting_anew.send(sender=None))
    with transaction.atomic():
        stored = SigningKey.objects.exclude(private_key_encrypted=b"").select_for_update().order_by("pk")
        rows = [row for row in stored if not encryption.is_lost(bytes(row.private_key_encrypted))]
        for row in rows:
            row.private_key_encrypted = encryption.encrypt(encryption.decrypt(bytes(row.private_key_encrypted)))
            row.save(update_fields=["private_key_encrypted"])
        AuditEvent.record(AuditEvent.Action.KEYS_REENCRYPTED, reason=f"{len(rows)} keys, {others} other secrets")
    return len(rows) + others


@dataclass(frozen=True, slots=True)
class Lost:
    """Secrets that no key of KEY_ENCRYPTION_KEYS can decrypt."""

    signing_keys: int
    others: int


def lost(*, forget: bool = False) -> Lost:
    """Counts secrets that cannot be decrypted. With `forget`, deletes the private keys of retired signing keys and the
    secrets of other apps. A key that is still published is kept and must be replaced first, because otherwise its
    algorithm would have no key.
    """
    others = sum(int(found or 0) for _receiver, found in encryption.looking_for_lost.send(sender=None, forget=forget))
    with transaction.atomic():
        stored = SigningKey.objects.exclude(private_key_encrypted=b"").select_for_update().order_by("pk")
        keys = [row for row in stored if encryption.is_lost(bytes(row.private_key_encrypted))]
        if forget:
            gone = [row.pk for row in keys if row.retired_at and row.retired_at <= timezone.now()]
            SigningKey.objects.filter(pk__in=gone).update(private_key_encrypted=b"")
            reason = f"lost: {len(gone)} signing keys, {others} other secrets deleted"
            AuditEvent.record(AuditEvent.Action.KEYS_REENCRYPTED, reason=reason)
    return Lost(len(keys), others)


def next_rotation(algorithm: str) -> datetime | None:
    """When the next key will sign or, if it is not published yet, when it is due. None if the algorithm has no key."""
    newest = _newest(algorithm)
    if newest is None:
        return None
    return newest.active_at + (policy.values.rotation_interval if newest.active_at <= timezone.now() else timedelta(0))


def _newest(algorithm: str) -> SigningKey | None:
    return SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()


def _next(algorithm: str) -> SigningKey | None:
    """The published key that does not sign yet."""
    newest = _newest(algorithm)
    return newest if newest is not None and newest.active_at > timezone.now() else None


def _known_everywhere(key: SigningKey) -> datetime:
    """When every cached JWK Set has this key, taking into account the caches of our processes, caches that obey
    max-age, and clock skew.
    """
    return key.published_at + 2 * policy.values.cache_lifetime + policy.values.clock_skew


def store_of(algorithm: str) -> str:
    """The store of the newest key, which is also that of the next one."""
    newest = _newest(algorithm)
    return newest.store if newest else policy.values.first_store


def _publish(algorithm: str, *, actor: str = "", store: str | None = None) -> SigningKey:
    """Publishes another key, which will sign one interval after the newest one."""
    newest, coming = _newest(algorithm), generate(algorithm, store=store_of(algorithm) if store is None else store)
    due = newest.active_at + policy.values.rotation_interval if newest else coming.published_at
    _take_over(coming, at=max(due, _known_everywhere(coming)))
    AuditEvent.record(AuditEvent.Action.KEY_PUBLISHED, actor=actor, reason=f"{algorithm} {coming.kid}")
    return coming


def _take_over(coming: SigningKey, *, at: datetime) -> None:
    """Makes the key sign from that time. The keys that sign until then retire, and are removed from the JWK Set when
    their last token has expired.
    """
    gone = at + LONGEST_TOKEN_LIFETIME + policy.values.clock_skew
    others = SigningKey.objects.select_for_update().filter(algorithm=coming.algorithm, active_at__lt=at)
    signing = others.exclude(kid=coming.kid).exclude(retiring_at__lt=at)
    signing.update(retiring_at=at, retired_at=gone)
    coming.active_at = at
    coming.save()
