"""Deletes rows that are no longer needed, in small batches while the server runs.

Rows that detect reuse of a code or refresh token are kept as long as their Authorization.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from oauth.audit import metrics
from oauth.conf import conf
from oauth.keys import stores
from oauth.models import (
    AuditEvent,
    Authorization,
    BackchannelRequest,
    DeviceCode,
    ImportedAccessToken,
    InitialAccessToken,
    PushedRequest,
    RefreshToken,
    RefusalCount,
    RefusedRequest,
    RevokedStatus,
    Session,
    SigningKey,
    StoredInteraction,
    UsedAssertion,
    UsedProof,
    refusal_count,
    refused_request,
)
from oauth.models.audit_event import first_id_at
from oauth.models.authorization import authorizations_forgotten
from oauth.operations import partitions

logger = logging.getLogger(__name__)
BATCH = 100
REST = 16
# How long rows that have ended are kept for support.
KEPT_AFTER_THE_END = timedelta(days=30)
# How long a retired public key is kept, which must be longer than the ledger. There are only a few rows a year.
KEYS_KEPT = timedelta(days=11 * 365)


def expired() -> dict[str, QuerySet[Any]]:
    """Name -> rows to delete. Codes and refresh tokens are deleted with their Authorization."""
    now = timezone.now()
    long_ago = now - KEPT_AFTER_THE_END
    return {
        "pushed requests": PushedRequest.objects.filter(expires_at__lt=now - conf.INTERACTION_LIFETIME),
        # Kept for a while after expiry, so that a late user can still go back to the app.
        "interactions": StoredInteraction.objects.filter(expires_at__lt=now - conf.INTERACTION_LIFETIME),
        "used assertions": UsedAssertion.objects.filter(expires_at__lt=now - partitions.REPLAY_LEFT),
        "used proofs": UsedProof.objects.filter(expires_at__lt=now - partitions.REPLAY_LEFT),
        "device codes": DeviceCode.objects.filter(expires_at__lt=long_ago, authorization=None),
        "back-channel requests": BackchannelRequest.objects.filter(expires_at__lt=long_ago),
        "imported access tokens": ImportedAccessToken.objects.filter(expires_at__lt=now),
        # Two queries, so that each can use an index.
        "authorizations": Authorization.objects.filter(expires_at__lt=long_ago),
        "revoked authorizations": Authorization.objects.filter(revoked_at__lt=long_ago),
        # Include sessions without a logout, because many users only close the browser.
        "sessions": Session.objects.filter(
            Q(ended_at=None) | Q(ended_at__lt=long_ago), created_at__lt=long_ago, authorizations=None
        ),
        **_browser_sessions(now),
        "refusal counts": RefusalCount.objects.filter(hour__lt=now - refusal_count.LIFETIME),
        "refused requests": RefusedRequest.objects.filter(id__lt=first_id_at(now - refused_request.LIFETIME)),
        "initial access tokens": InitialAccessToken.objects.filter(expires_at__lt=long_ago),
        # All tokens with these bits have expired.
        "status bits": RevokedStatus.objects.filter(revoked_at__lt=long_ago),
        "signing keys": SigningKey.objects.filter(retired_at__lt=now - KEYS_KEPT),
        "audit events": AuditEvent.objects.filter(at__lt=now - conf.AUDIT_LIFETIME - partitions.AUDIT_LEFT),
    }


def _browser_sessions(now: datetime) -> dict[str, QuerySet[Any]]:
    """Django's expired sessions, if they are stored in the database, where nothing else deletes them."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {}
    return {"browser sessions": store.get_model_class().objects.filter(expire_date__lt=now)}


def forget_private_keys() -> None:
    """Deletes the private keys of retired signing keys. The public keys are kept to verify hints."""
    retired = SigningKey.objects.filter(retired_at__lt=timezone.now())
    retired.exclude(private_key_encrypted=b"").update(private_key_encrypted=b"")
    for key in retired.exclude(reference=""):
        try:
            stores.named(key.store).forget(key.reference)
        except stores.KeyStoreError as error:
            logger.warning("The private key of %s stays in its store until the next cleanup: %s", key.kid, error)
        else:
            SigningKey.objects.filter(pk=key.pk).update(reference="")


def clean_up(*, batch: int = BATCH) -> Iterator[tuple[str, int]]:
    """Deletes expired rows in batches, each in a transaction. Yields the name and the number of rows of each batch.

    Skips locked rows until the next cleanup, so that it never waits for a request. After each batch, sleeps REST times
    as long as the batch took, so that token requests are not slowed down.
    """
    forget_private_keys()
    for step in partitions.tend(audit_kept=conf.AUDIT_LIFETIME):
        logger.info("%s", step)
    for name, rows in expired().items():
        while True:
            began = time.monotonic()
            with transaction.atomic():
                _commit_without_waiting()
                locked = rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
                keys = list(locked[:batch])
                if rows.model is Authorization:
                    _say_what_is_forgotten(keys)
                    # Use one statement; the ORM would first read each row because of `replaces`.
                    RefreshToken.objects.filter(authorization__in=keys)._raw_delete(rows.db)
                rows.model._default_manager.filter(pk__in=keys).only("pk").delete()
            if not keys:
                break
            yield name, len(keys)
            time.sleep(REST * (time.monotonic() - began))


def _say_what_is_forgotten(keys: list[Any]) -> None:
    """Sends `authorizations_forgotten`, because the site may need to know later that access was revoked: objects that
    the app created, such as standing orders, may remain.
    """
    revoked = Authorization.objects.filter(pk__in=keys).exclude(revocation_reason="")
    if apps := set(revoked.values_list("user_id", "client__client_id")):
        authorizations_forgotten.send(sender=Authorization, apps=apps)


def _commit_without_waiting() -> None:
    """Commits need not wait for the disk, because a cleanup lost in a crash is repeated."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO OFF")


def measure_backlog(*, most: int = 100_000) -> None:
    """Sets the metric for rows that are due for cleanup, counted up to `most`."""
    for name, rows in expired().items():
        metrics.backlog.labels(name).set(rows.order_by()[:most].count())
