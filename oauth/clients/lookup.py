"""Finds the client of an authorization request (RFC 6749 §4.1.1)."""

from django.utils.translation import gettext_noop as _

from oauth.clients import cache
from oauth.clients.registration import metadata_document
from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.parameters import Parameters


def find_client(params: Parameters) -> Client:
    """Raises InvalidRequest, which must be shown to the user, because without a client there is no redirect URI."""
    client_id = params.get("client_id")
    if client_id is None:
        raise InvalidRequest(_("The parameter client_id is missing."))
    is_document = metadata_document.is_address(client_id)
    client = metadata_document.current_client(client_id) if is_document else cache.load(client_id)
    if client is None or not client.is_active:
        raise InvalidRequest(_("No app with this client_id is registered here, or it is disabled."))
    return client
