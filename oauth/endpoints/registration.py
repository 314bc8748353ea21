"""Dynamic client registration (RFC 7591) and its management (RFC 7592).

Open registration does not exist: whoever registers holds an initial access token of an admin (ASVS 5.0 10.4.7).
"""

import json
import secrets
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from oauth.clients import changes
from oauth.clients.registration import ceiling, metadata
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import InvalidClientMetadata, InvalidRegistrationToken
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent, Client, InitialAccessToken, client_identity
from oauth.models.client_identity import Identity
from oauth.models.secret import digest, new_secret
from oauth.resource_server.authentication import bearer_token
from oauth.resource_server.challenges import InvalidRequest as MalformedHeader

MAX_BODY_BYTES = 64 * 1024
REGISTRATIONS = Limit("registrations", 300, seconds=3600)
MANAGEMENT = Limit("registration-management", 120)


class RegistrationEndpoint(ProtocolEndpoint):
    endpoint = "registration"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        """RFC 7591 §3.1: 201 with everything that was registered, and the secrets, known only now."""
        token = _bearer(request)
        initial_access_token = InitialAccessToken.find(token)
        if initial_access_token is None:
            rate_limits.spend(rate_limits.FAILURES_OF_ADDRESS, rate_limits.address_of(request))
            raise InvalidRegistrationToken("An initial access token of this server is needed; it may have expired.")
        rate_limits.spend(REGISTRATIONS, token)
        limit = ceiling.of_token(initial_access_token)
        client = Client(
            registration_source=Client.RegistrationSource.DCR,
            registration_ceiling=limit.to_json(),
            allowed_resources=initial_access_token.allowed_resources or [],
        )
        metadata.apply(client, _document(request), limit)
        issued: dict[str, Any] = {"registration_access_token": _new_registration_access_token(client)}
        if client.has_secret:
            issued |= {"client_secret": client.issue_secret(), "client_secret_expires_at": 0}
        with transaction.atomic():
            client.save()
            AuditEvent.record(AuditEvent.Action.CLIENT_REGISTERED, client=client.client_id, reason=client.name)
        return JsonResponse({**metadata.render(client), **issued}, status=201)


class RegisteredClientEndpoint(ProtocolEndpoint):
    """RFC 7592: the client reads, replaces and deletes its own registration."""

    endpoint = "registration"
    http_method_names = ["get", "put", "delete"]

    def get(self, request: HttpRequest, client_id: str) -> JsonResponse:
        client = _own_client(request, client_id)
        return JsonResponse(metadata.render(client) | {"registration_access_token": _bearer(request)})

    def put(self, request: HttpRequest, client_id: str) -> JsonResponse:
        """RFC 7592 §2.2: replaces all metadata, and the registration access token."""
        with transaction.atomic():
            client = _own_client(request, client_id, lock=True)
            document = _document(request)
            if document.get("client_id") != client.client_id:
                raise InvalidClientMetadata("client_id is the one of this client.")
            sent_secret = document.get("client_secret")
            if sent_secret is not None and not (isinstance(sent_secret, str) and client.secret_is(sent_secret)):
                raise InvalidClientMetadata("client_secret is not that of this client, and cannot be chosen.")
            before, shown_before = client_identity.of(client), metadata.render(client)
            metadata.apply(client, document, ceiling.of_client(client), is_update=True)
            issued: dict[str, Any] = {"registration_access_token": _new_registration_access_token(client)}
            if client.has_secret and client.secret_digest is None:
                issued |= {"client_secret": client.issue_secret(), "client_secret_expires_at": 0}
            client.changes_are_told = True
            client.save()
            _distrust(client, before)
            shown = metadata.render(client)
            changed = sorted(name for name in {*shown, *shown_before} if shown.get(name) != shown_before.get(name))
            AuditEvent.record(
                AuditEvent.Action.CLIENT_CHANGED, client=client.client_id, reason=f"by itself: {', '.join(changed)}"
            )
        return JsonResponse(metadata.render(client) | issued)

    def delete(self, request: HttpRequest, client_id: str) -> HttpResponse:
        """RFC 7592 §2.3: gone, with everything that people had allowed it."""
        with transaction.atomic():
            _own_client(request, client_id, lock=True).delete()
            AuditEvent.record(AuditEvent.Action.CLIENT_DELETED, client=client_id)
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response


def _distrust(client: Client, before: Identity) -> None:
    """Whoever holds the registration access token, and nothing else of the client, must not gain what users allowed.

    With keys or a method of their own they would be the client, to whose tokens and grants users agreed: all of it
    ends. With another redirect URI or name they still need a user to come, who is asked.
    """
    changed = set(client_identity.changed(before, client_identity.of(client)))
    if changed:
        changes.distrust(client, entirely=bool(changed & client_identity.PROOF))


def _own_client(request: HttpRequest, client_id: str, *, lock: bool = False) -> Client:
    """RFC 7592 §2: unknown client and wrong token answer alike."""
    clients = Client.objects.select_for_update() if lock else Client.objects.all()
    client = clients.filter(client_id=client_id, is_active=True).first()
    given = digest(_bearer(request))
    known = bytes(client.registration_token_digest or b"") if client else b""
    if client is None or not secrets.compare_digest(given, known):
        address = rate_limits.address_of(request)
        rate_limits.spend(rate_limits.FAILURES, address, client_id)
        rate_limits.spend(rate_limits.FAILURES_OF_ADDRESS, address)
        raise InvalidRegistrationToken("The registration access token is not that of this client.")
    rate_limits.spend(MANAGEMENT, client_id)
    return client


def _new_registration_access_token(client: Client) -> str:
    token = new_secret()
    client.registration_token_digest = digest(token)
    return token


def _bearer(request: HttpRequest) -> str:
    try:
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
    except MalformedHeader as error:
        raise InvalidRegistrationToken(str(error.detail)) from error
    if token is None:
        raise InvalidRegistrationToken("Send the token as Authorization: Bearer.")
    return token.decode("latin-1")


def _document(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise InvalidClientMetadata("Send the metadata as application/json.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise InvalidClientMetadata(f"The metadata are larger than {MAX_BODY_BYTES} bytes.")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidClientMetadata("The body is not JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise InvalidClientMetadata("The metadata are one JSON object.")
    return document
