"""URLs at the root of the host, for the metadata of an issuer or an API with a path.

The metadata of `https://bank.example/id` is at `/.well-known/oauth-authorization-server/id` (RFC 8414 §3.1) and at
`/.well-known/openid-configuration/id` (§5). OpenID Connect Discovery §4 instead appends the well-known path to the
issuer; that URL is in `oauth.urls`.
"""

from django.urls import path

from oauth.endpoints.metadata import MetadataEndpoint
from oauth.infrastructure.own_login import without_login_middleware
from oauth.resource_server.metadata import protected_resource

urlpatterns = without_login_middleware(
    [
        path(
            ".well-known/oauth-authorization-server/<path:issuer_path>", MetadataEndpoint.as_view(), name="metadata-of"
        ),
        path(".well-known/openid-configuration/<path:issuer_path>", MetadataEndpoint.as_view(), name="discovery-of"),
        path(".well-known/oauth-protected-resource", protected_resource, name="protected-resource"),
        path(".well-known/oauth-protected-resource/<path:path>", protected_resource, name="protected-resource-of"),
    ]
)
