"""Clients whose client_id is the URL of their metadata (draft-ietf-oauth-client-id-metadata-document-01).

Off by default. `fetched_document` fetches the document, whose content is validated and stored like a registration.
"""

import logging
import threading

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from oauth2_provider.cimd import is_cimd_client_id

from oauth.clients import changes
from oauth.clients.registration import ceiling, fetched_document, metadata
from oauth.conf import conf
from oauth.errors import InvalidClientMetadata, OAuthError
from oauth.infrastructure.outbound import OutboundError
from oauth.models import AuditEvent, Client
from oauth.models.client import AuthenticationMethod
from oauth.models.client import identity as client_identity
from oauth.models.client.identity import Identity
from oauth.models.secret import digest

logger = logging.getLogger(__name__)

SECONDS_AFTER_A_FAILURE = 60
# Documents fetched at a time by one process. Anybody can name a document whose server is slow, and each fetch keeps a
# thread for seconds, so this must be fewer than the threads of a process (`serve --threads`).
MOST_FETCHES = 2
_FETCHES = threading.BoundedSemaphore(MOST_FETCHES)


def is_address(client_id: str) -> bool:
    return conf.ALLOW_CLIENT_ID_METADATA_DOCUMENTS and is_cimd_client_id(client_id) and len(client_id) <= 255


def current_client(client_id: str) -> Client | None:
    """The client as described by its current document, or the stored client if the document cannot be fetched."""
    known = Client.by_client_id(client_id)
    if known is not None and (known.cimd_expires_at is None or known.cimd_expires_at > timezone.now()):
        return known
    failed = f"oauth.cimd.{digest(client_id).hex()}"
    if cache.get(failed) or not _FETCHES.acquire(blocking=False):
        return known
    try:
        return _fetch(client_id, known)
    except (OutboundError, OAuthError, IntegrityError) as error:
        # Log the reason, because the page says only that the app is unknown.
        logger.warning("client ID metadata document not usable", extra={"document": client_id, "reason": str(error)})
        # Do not fetch a failing URL again for a while.
        cache.set(failed, True, SECONDS_AFTER_A_FAILURE)
        return known
    finally:
        _FETCHES.release()


def _fetch(client_id: str, known: Client | None) -> Client:
    fetched = fetched_document.fetch(client_id)
    document = fetched.content
    if document.get("client_id") != client_id:
        raise InvalidClientMetadata("client_id in the document must be the address of the document.")
    method = document.get("token_endpoint_auth_method", AuthenticationMethod.NONE.value)
    shares_secret = not {"client_secret", "client_secret_expires_at"}.isdisjoint(document)
    if method not in (AuthenticationMethod.NONE, AuthenticationMethod.PRIVATE_KEY_JWT) or shares_secret:
        # §4.1: such a client has no shared secret.
        raise InvalidClientMetadata("A client with a metadata document must be public or use private_key_jwt.")
    client = known or Client(client_id=client_id, registration_source=Client.RegistrationSource.CIMD)
    before = client_identity.describe(client)
    limit = ceiling.of_document(client)
    metadata.apply(client, {**document, "token_endpoint_auth_method": method}, limit)
    client.registration_ceiling = limit.to_json()
    client.cimd_expires_at = timezone.now() + fetched.lifetime
    with transaction.atomic():
        client.save()
        if known:
            _revoke_if_changed(client, before)
        action = AuditEvent.Action.CLIENT_CHANGED if known else AuditEvent.Action.CLIENT_REGISTERED
        AuditEvent.record(action, client=client_id, reason="by its metadata document")
    return client


def _revoke_if_changed(client: Client, before: Identity) -> None:
    """§6: the URL may have a new owner, who must not inherit the authorizations of the previous one."""
    after = client_identity.describe(client)
    changed = set(client_identity.changed_parts(before, after)) - {"redirect_uris"}
    if changed or client_identity.new_hosts(before, after):
        changes.distrust(client, entirely=True)
