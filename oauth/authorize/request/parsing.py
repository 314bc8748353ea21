"""Validates an authorization request whose client and redirect URI are already validated."""

from oauth import authorization_details, parameters
from oauth.authorize import grant_management
from oauth.authorize.claims_request import Claims
from oauth.authorize.request.authorization_request import AuthorizationRequest
from oauth.authorize.request.pkce import requested_code_challenge, requested_dpop_key
from oauth.authorize.request.prompt import check_display, requested_max_age, requested_prompts
from oauth.authorize.request.resource import requested_resources
from oauth.authorize.request.response_type import check_response_mode, requested_response_type
from oauth.authorize.request.return_address import ReturnAddress
from oauth.authorize.request.scope import requested_scopes
from oauth.authorize.request.subject import requested_subject
from oauth.authorize.request.unsupported import refuse_unsupported
from oauth.infrastructure import clock
from oauth.parameters import Parameters


def parse(params: Parameters, address: ReturnAddress) -> AuthorizationRequest:
    """Raises the OAuthError to send to the client."""
    client = address.client
    parameters.refuse_long(params)
    refuse_unsupported(params)
    response_type = requested_response_type(params, client)
    check_response_mode(params, client, response_type)
    check_display(params)
    claims = Claims.parse(params.get("claims"), client)
    subject = requested_subject(params, claims, client)
    max_age = requested_max_age(params, client)
    resources = requested_resources(params.all("resource"), client)
    details = authorization_details.parse(
        params.get("authorization_details"), allowed_types=client.allowed_details_types, resources=resources
    )
    action, grant_id = grant_management.requested_action(params, client)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=address.redirect_uri,
        response_type=response_type,
        response_mode=address.response_mode,
        state=address.state,
        scopes=requested_scopes(params.get("scope"), client, needed=authorization_details.scopes_of(details)),
        resources=resources,
        code_challenge=requested_code_challenge(params, client) if response_type == "code" else "",
        nonce=params.get("nonce", ""),
        prompts=requested_prompts(params),
        max_age=max_age,
        acr_values=tuple(params.get("acr_values", "").split()) or tuple(client.default_acr_values),
        essential_acr_values=claims.essential_acr_values,
        claims=claims.names,
        subject=subject,
        login_hint=params.get("login_hint", ""),
        ui_locales=tuple(params.get("ui_locales", "").split()),
        dpop_jkt=requested_dpop_key(params),
        authorization_details=details,
        grant_management_action=action,
        grant_id=grant_id,
        created_at=clock.now(),
    )
