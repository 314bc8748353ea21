"""The device authorization endpoint (RFC 8628 §3.1, §3.2)."""

from django.http import HttpRequest, JsonResponse

from oauth import parameters
from oauth.authorize.request import requested_resources, requested_scopes
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import InvalidAuthorizationDetails, UnauthorizedClient
from oauth.infrastructure import clock, rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import DeviceCode
from oauth.models.client import GrantType
from oauth.models.secret import digest, new_secret

POLLING_INTERVAL_SECONDS = 5


class DeviceAuthorizationEndpoint(ProtocolEndpoint):
    endpoint = "device_authorization"
    limit = Limit("requests", 60)
    limit_of_address = Limit("requests-of-address", 300)
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if not client.allows_grant_type(GrantType.DEVICE_CODE):
            raise UnauthorizedClient("This client is not registered for the device code grant.")
        if "authorization_details" in params:
            # RFC 9396 §5: authorization_details that are not supported must be refused, not ignored.
            raise InvalidAuthorizationDetails("authorization_details must be requested at the authorization endpoint.")
        code = new_secret()
        waiting = DeviceCode.objects.create(
            code_digest=digest(code),
            client=client,
            scopes=list(requested_scopes(params.get("scope"), client)),
            resources=list(requested_resources(params.all("resource"), client)),
            address=rate_limits.address_of(request),
            created_at=clock.now(),
            expires_at=clock.now() + conf.DEVICE_CODE_LIFETIME,
            interval_seconds=POLLING_INTERVAL_SECONDS,
        )
        page = conf.url("/oauth/device")
        return JsonResponse(
            {
                "device_code": code,
                "user_code": waiting.user_code_shown,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={waiting.user_code_shown}",
                "expires_in": int(conf.DEVICE_CODE_LIFETIME.total_seconds()),
                "interval": waiting.interval_seconds,
            }
        )
