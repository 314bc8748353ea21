"""OAuth 2.1 (draft-ietf-oauth-v2-1)."""

from oauth.conformance_report.line import Outcome, Standard, met, not_applicable, unmet
from oauth.conformance_report.registry import about_client, about_site
from oauth.conformance_report.rules import client_facts, site_facts
from oauth.models import Client
from oauth.models.client import GrantType, grant_types

_HERE = Standard.OAUTH21

about_site(_HERE, "§1.5", "Every address of the server is https.")(site_facts.issuer_has_tls)
about_site(_HERE, "§10.1", "There is no implicit flow.")(site_facts.site_has_no_implicit_flow)


@about_site(_HERE, "§10.2", "There is no password grant.")
def no_password_grant() -> Outcome:
    if "password" in grant_types.offered():
        return unmet("An app of this site offers the password grant.", change='OAUTH["GRANT_TYPES"]')
    return met("No grant type of this site takes a user's password.")


about_client(_HERE, "§2.3.1", "Redirect URIs are complete, and https or loopback.")(client_facts.has_safe_redirect_uris)
about_client(_HERE, "§2.3.1, RFC 8252 §8.3", "Loopback redirect URIs are IP literals.", is_required=False)(
    client_facts.names_no_localhost
)
about_client(_HERE, "§2.4", "A confidential client authenticates.")(client_facts.authenticates)
about_client(_HERE, "§4.1.1", "The authorization code is used with PKCE.")(client_facts.must_send_pkce)


@about_client(_HERE, "§4.2", "Only a confidential client uses client credentials.")
def client_credentials_of_a_confidential_client(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.CLIENT_CREDENTIALS):
        return not_applicable("The client does not use client credentials.")
    if client.is_public:
        return unmet("The client is public, so anybody can impersonate it.", change="grant_types")
    return met("The client is confidential.")


about_client(_HERE, "§4.3.1", "Refresh tokens of a public client are rotated or bound.")(
    client_facts.has_safe_refresh_tokens
)
about_client(_HERE, "§10.1", "The client does not use the implicit flow.")(client_facts.has_no_implicit_flow)
