"""The backchannel authentication endpoint (OpenID Connect CIBA Core 1.0 §7)."""

from django.db import transaction
from django.http import HttpRequest, JsonResponse

from oauth import parameters
from oauth.authorize import backchannel_notices, backchannel_request
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import UnauthorizedClient
from oauth.infrastructure import clock
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent
from oauth.models.client import GrantType


class BackchannelAuthenticationEndpoint(ProtocolEndpoint):
    """Authenticates clients like the token endpoint. The user gets an email and decides at /oauth/requests.

    The response does not reveal whether the hint matches a user.
    """

    endpoint = "backchannel_authentication"
    limit = Limit("requests", 300)
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if client.is_public or not client.allows_grant_type(GrantType.CIBA):
            raise UnauthorizedClient("This client is not registered for the CIBA grant.")
        asked, auth_req_id = backchannel_request.parse(params, client)
        with transaction.atomic():
            asked.save(force_insert=True)
            backchannel_notices.enqueue_user_notice(asked)
            AuditEvent.record(
                AuditEvent.Action.ASKED, user=asked.user_id or "", client=client.client_id, reason=asked.binding_message
            )
        expires_in = round((asked.expires_at - clock.now()).total_seconds())
        return JsonResponse({"auth_req_id": auth_req_id, "expires_in": expires_in, "interval": asked.interval_seconds})
