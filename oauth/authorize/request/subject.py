"""The user named by the client, with id_token_hint or with the claim `sub` of the `claims` parameter."""

from oauth.authorize.claims_request import Claims
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.tokens import id_token


def requested_subject(params: Parameters, claims: Claims, client: Client) -> str:
    """The `sub` of the only user whose login is accepted; empty if the client named no user. Raises InvalidRequest."""
    hint = _hinted_subject(params.get("id_token_hint"), client)
    if hint and claims.subject and hint != claims.subject:
        raise InvalidRequest("id_token_hint and the claim sub must name the same user.")
    return hint or claims.subject


def _hinted_subject(token: str | None, client: Client) -> str:
    """OpenID Connect Core §3.1.2.1: the `sub` of an ID token that this server issued to this client."""
    if token is None:
        return ""
    hint = id_token.read_hint(token, issuer=conf.ISSUER)
    if hint is None or hint.client_id != client.client_id:
        raise InvalidRequest("id_token_hint must be an ID token that this server issued to this client.")
    return hint.subject
