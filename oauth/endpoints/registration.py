"""Dynamic client registration (RFC 7591) and its management (RFC 7592).

Registration requires an initial access token, which an admin creates (ASVS 5.0 10.4.7).
"""

import json
import secrets
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from oauth import parameters
from oauth.clients import changes
from oauth.clients.registration import ceiling, metadata
from oauth.endpoints.protocol import FAILURES, FAILURES_OF_ADDRESS, ProtocolEndpoint
from oauth.errors import InvalidClientMetadata, InvalidRegistrationToken
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent, Client, InitialAccessToken
from oauth.models.client import identity as client_identity
from oauth.models.client.identity import Identity
from oauth.models.secret import digest, new_secret
from oauth.resource_server.authentication import bearer_token
from oauth.resource_server.challenges import InvalidRequest as MalformedHeader

REGISTRATIONS = Limit("registrations", 300, seconds=3600)
MANAGEMENT = Limit("registration-management", 120)


class RegistrationEndpoint(ProtocolEndpoint):
    endpoint = "registration"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        """RFC 7591 §3.1: returns 201 with the registered metadata and the secrets, which are shown only once."""
        token = _bearer(request)
        initial_access_token = InitialAccessToken.find(token)
        if initial_access_token is None:
            rate_limits.spend(FAILURES_OF_ADDRESS, rate_limits.address_of(request))
            raise InvalidRegistrationToken("The initial access token is invalid or has expired.")
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
        """RFC 7592 §2.2: replaces all metadata and the registration access token."""
        with transaction.atomic():
            client = _own_client(request, client_id, lock=True)
            document = _document(request)
            if document.get("client_id") != client.client_id:
                raise InvalidClientMetadata("client_id must be that of this client.")
            sent_secret = document.get("client_secret")
            if sent_secret is not None and not (isinstance(sent_secret, str) and client.secret_is(sent_secret)):
                raise InvalidClientMetadata(
                    "client_secret must be the client's current secret; a client cannot choose its secret."
                )
            before, shown_before = client_identity.describe(client), metadata.render(client)
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
        """RFC 7592 §2.3: deletes the client and its authorizations."""
        with transaction.atomic():
            _own_client(request, client_id, lock=True).delete()
            AuditEvent.record(AuditEvent.Action.CLIENT_DELETED, client=client_id)
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response


def _distrust(client: Client, before: Identity) -> None:
    """Prevents an attacker who has stolen the registration access token from using the client's authorizations.

    With other keys or another authentication method, the attacker could impersonate the client, so its authorizations
    are revoked. With another redirect URI or name, the attacker still needs a user, who is asked again.
    """
    changed = set(client_identity.changed_parts(before, client_identity.describe(client)))
    if changed:
        changes.distrust(client, entirely=bool(changed & client_identity.PROOF))


def _own_client(request: HttpRequest, client_id: str, *, lock: bool = False) -> Client:
    """RFC 7592 §2: the error is the same for an unknown client and for a wrong token."""
    clients = Client.objects.select_for_update() if lock else Client.objects.all()
    client = clients.filter(client_id=client_id, is_active=True).first()
    given = digest(_bearer(request, name="registration access token"))
    known = bytes(client.registration_token_digest or b"") if client else b""
    if client is None or not secrets.compare_digest(given, known):
        address = rate_limits.address_of(request)
        rate_limits.spend(FAILURES, address, client_id)
        rate_limits.spend(FAILURES_OF_ADDRESS, address)
        raise InvalidRegistrationToken("The registration access token must be that of this client.")
    rate_limits.spend(MANAGEMENT, client_id)
    return client


def _new_registration_access_token(client: Client) -> str:
    token = new_secret()
    client.registration_token_digest = digest(token)
    return token


def _bearer(request: HttpRequest, *, name: str = "initial access token of an admin") -> str:
    try:
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
    except MalformedHeader as error:
        raise InvalidRegistrationToken(str(error.detail)) from error
    if token is None:
        raise InvalidRegistrationToken(f"The request must have the {name} as Authorization: Bearer.")
    return token.decode("latin-1")


def _document(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise InvalidClientMetadata("Send the metadata as application/json.")
    try:
        document = json.loads(parameters.read_body(request))
    except (ValueError, RecursionError):
        raise InvalidClientMetadata("The body must be JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise InvalidClientMetadata("The metadata must be a JSON object.")
    return document
