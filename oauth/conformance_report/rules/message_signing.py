"""FAPI 2.0 Message Signing (final), for clients that need non-repudiation of requests and responses."""

from oauth.conformance_report.line import Outcome, Standard, met, not_applicable, unmet
from oauth.conformance_report.registry import about_client
from oauth.models import Client

_HERE = Standard.MESSAGE_SIGNING


@about_client(
    _HERE, "§5.3.1", "The client signs its authorization requests.", covers=["FAPI 2.0 Message Signing §5.3.1, signed"]
)
def signed_requests(client: Client) -> Outcome:
    if not client.response_types:
        return not_applicable("The client uses no browser.")
    if client.must_sign_requests:
        return met("The server refuses authorization requests that the client did not sign.")
    return unmet("The client's requests need no signature.", change="require_signed_request_object")


@about_client(
    _HERE, "§5.4.1", "Authorization responses to the client are signed.", covers=["FAPI 2.0 Message Signing §5.4.1"]
)
def signed_responses(client: Client) -> Outcome:
    if not client.response_types:
        return not_applicable("The client uses no browser.")
    if client.signs_messages:
        return met("The server signs each authorization response (JARM).")
    return unmet("A response is signed only if the request asks for it.", change="security_profile")


@about_client(
    _HERE, "§5.5.1", "Introspection responses to the client are signed.", covers=["FAPI 2.0 Message Signing §5.5.1"]
)
def signed_introspection(client: Client) -> Outcome:
    if client.is_public:
        return not_applicable("A public client cannot introspect.")
    if client.signs_messages:
        return met("The server signs each introspection response (RFC 9701).")
    return unmet("A response is signed only if the request asks for it (Accept).", change="security_profile")
