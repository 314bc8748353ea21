"""A client that uses token exchange."""

from oauth.models.client import GrantType

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def exchange(token_endpoint, client, token, **form):
    given = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, **form}
    return token_endpoint.post(client, grant_type=GrantType.TOKEN_EXCHANGE.value, **given)
