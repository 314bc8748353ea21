"""Key rotation. The next key is published long before it signs, so every cache of the JWK Set has it by then.

It takes over at the end of `policy.rotation_interval`; if staff rotate, as soon as every cache has it; in an emergency,
immediately. The previous key leaves the JWK Set when its last token has expired. The rows hold all times, so all worker
processes change keys at the same moment.
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

# No token of ours lives longer (oauth.E003), whatever its client's own lifetime.
LONGEST_TOKEN_LIFETIME = timedelta(minutes=15)


def rotate(algorithm: str, *, actor: str = "", store: str | None = None) -> SigningKey:
    """The next key takes over as soon as every cache has it, and one more is published. Returns the next key.

    `actor` is the primary key of the admin, for the audit log. `store` is the store of new keys from now on; None
    for the current one. Raises KeyStoreError.
    """
    with transaction.atomic():
        lock(algorithm)
        coming = _next(algorithm)
        if coming is not None and store not in (None, coming.store):
            # This key has never signed anything.
            coming.retiring_at = coming.retired_at = timezone.now()
            coming.save()
            coming = None
        coming = coming or _publish(algorithm, actor=actor, store=store)
        _take_over(coming, at=max(timezone.now(), _known_everywhere(coming)))
        _publish(algorithm, actor=actor)
    ring.forget()
    return coming


def replace_now(algorithm: str, *, actor: str = "", store: str | None = None, next_leaked: bool = False) -> SigningKey:
    """For a key that may have leaked: the next key signs from now on, and tokens that the other keys signed are
    refused after EMERGENCY_GRACE, when no process of the site signs with them any more.

    Every resource server has the next key already, so it accepts new tokens without a pause. Somebody who has the
    database and KEY_ENCRYPTION_KEYS has the next key, too: then use `next_leaked`, so that a new key signs. With
    `next_leaked`, or with another `store` than before, a resource server on another machine may refuse new tokens for
    some seconds, until it has fetched the JWK Set. Raises KeyStoreError.
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
    """Whether a process of the site might still sign with it, because it has not yet read that another key signs."""
    has_signed = key.signs_at(now) or key.signs_at(now - EMERGENCY_GRACE)
    return has_signed and (bool(key.store) or not encryption.is_lost(bytes(key.private_key_encrypted)))


def rotate_where_due() -> list[SigningKey]:
    """Publishes the next key of each algorithm that has none, and returns these. It may run often and in parallel."""
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
    """Re-encrypts every private key, and the secrets of other apps, under the newest of KEY_ENCRYPTION_KEYS. After that
    the older ones can be removed, if `lost` finds nothing. Returns the number of secrets."""
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
    """With `forget`, deletes what cannot be decrypted: the private keys of retired signing keys, and the secrets of
    other apps. A key that is still published is kept, because otherwise its algorithm would have no key: replace it
    first.
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
    """When the next key takes over, or is due if it is not published yet; None if no key of the algorithm signs."""
    newest = _newest(algorithm)
    if newest is None:
        return None
    return newest.active_at + (policy.values.rotation_interval if newest.active_at <= timezone.now() else timedelta(0))


def _newest(algorithm: str) -> SigningKey | None:
    return SigningKey.objects.filter(algorithm=algorithm, retiring_at=None).order_by("-active_at").first()


def _next(algorithm: str) -> SigningKey | None:
    """The key that is published and does not sign yet."""
    newest = _newest(algorithm)
    return newest if newest is not None and newest.active_at > timezone.now() else None


def _known_everywhere(key: SigningKey) -> datetime:
    """The time when no cache can hold a JWK Set without this key. Allows for the caches of our own processes, for
    caches that obey max-age, and for wrong clocks.
    """
    return key.published_at + 2 * policy.values.cache_lifetime + policy.values.clock_skew


def store_of(algorithm: str) -> str:
    """The store of the newest key, in which the next one is made, too."""
    newest = _newest(algorithm)
    return newest.store if newest else policy.values.first_store


def _publish(algorithm: str, *, actor: str = "", store: str | None = None) -> SigningKey:
    """A further key, which starts to sign one interval after the newest one."""
    newest, coming = _newest(algorithm), generate(algorithm, store=store_of(algorithm) if store is None else store)
    due = newest.active_at + policy.values.rotation_interval if newest else coming.published_at
    _take_over(coming, at=max(due, _known_everywhere(coming)))
    AuditEvent.record(AuditEvent.Action.KEY_PUBLISHED, actor=actor, reason=f"{algorithm} {coming.kid}")
    return coming


def _take_over(coming: SigningKey, *, at: datetime) -> None:
    """The key signs from that time on. The keys that sign until then stop, and leave the JWK Set when their last token
    has expired.
    """
    gone = at + LONGEST_TOKEN_LIFETIME + policy.values.clock_skew
    others = SigningKey.objects.select_for_update().filter(algorithm=coming.algorithm, active_at__lt=at)
    signing = others.exclude(kid=coming.kid).exclude(retiring_at__lt=at)
    signing.update(retiring_at=at, retired_at=gone)
    coming.active_at = at
    coming.save()
