"""The logos of clients (RFC 7591 §2 `logo_uri`), which the background worker fetches, re-encodes and stores.

Pages show only the stored copy, so the client's server learns nothing about users and cannot change a logo between
fetches (docs/decisions/006).
"""

import hashlib
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from procrastinate.contrib.django import app

from oauth.infrastructure import outbound, pictures
from oauth.infrastructure.outbound import OutboundError
from oauth.infrastructure.pictures import NotAPicture
from oauth.models import Client, ClientLogo

TASK = "oauth.fetch_logo"
MAX_BYTES = 512 * 1024
FETCHED_AGAIN_AFTER = timedelta(days=7)
BATCH = 100


class NotFetched(Exception):
    """The picture's server did not respond. The background worker tries again."""


def follow(client: Client) -> None:
    """Called after a client was saved. If its logo URL has changed, deletes the old picture immediately and enqueues
    the new one.
    """
    row = ClientLogo.objects.filter(client=client).only("source").first()
    if client.logo_uri == (row.source if row else ""):
        return
    if row:
        row.delete()
    if client.logo_uri:
        _enqueue(client)


def fetch_due() -> int:
    """Enqueues logos that were fetched a week ago or were changed without `Client.save`. Returns how many."""
    now = timezone.now()
    is_due = Q(logo=None) | ~Q(logo__source=F("logo_uri")) | Q(logo__tried_at__lt=now - FETCHED_AGAIN_AFTER)
    due = Client.objects.exclude(logo_uri="").filter(is_due, is_active=True).order_by("pk")[:BATCH]
    for client in due:
        with transaction.atomic():
            ClientLogo.objects.filter(client=client).exclude(source=client.logo_uri).delete()
            ClientLogo.objects.update_or_create(client=client, defaults={"source": client.logo_uri, "tried_at": now})
            _enqueue(client)
    return len(due)


def fetch(client_pk: int) -> None:
    """Fetches a logo and stores the picture, or the reason why there is none. Raises NotFetched and keeps an earlier
    picture if the server does not respond.
    """
    client = Client.objects.filter(pk=client_pk, is_active=True).exclude(logo_uri="").first()
    if client is None:
        return
    image, problem, unreachable = b"", "", None
    try:
        answer = outbound.request(
            "GET", client.logo_uri, more_headers={"Accept": "image/png, image/jpeg, image/webp"}, max_bytes=MAX_BYTES
        )
        if answer.status != 200:
            raise NotAPicture(f"it returned status {answer.status}.")
        image = pictures.square_png(answer.body)
    except NotAPicture as error:
        problem = str(error)
    except OutboundError as error:
        problem, unreachable = str(error), error
    found = {"image": image, "digest": hashlib.sha256(image).digest() if image else b""} if not unreachable else {}
    with transaction.atomic():
        # The client may have changed its logo URL or have been deleted meanwhile.
        if Client.objects.select_for_update().filter(pk=client.pk, logo_uri=client.logo_uri).exists():
            ClientLogo.objects.update_or_create(
                client=client,
                defaults={"source": client.logo_uri, "tried_at": timezone.now(), "problem": problem[:200], **found},
            )
    if unreachable:
        raise NotFetched(f"{client.client_id}: {problem}") from unreachable


def _enqueue(client: Client) -> None:
    app.configure_task(TASK, queue="oauth").defer(client_pk=client.pk)
