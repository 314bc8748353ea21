"""The URLs of the package. Include them at the path of the issuer, usually the root of the site.

If the issuer has a path, also include `oauth.well_known` at the root.
"""

from django.urls import path, re_path

from oauth import well_known
from oauth.endpoints.backchannel_authentication import BackchannelAuthenticationEndpoint
from oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from oauth.endpoints.grant_management import GrantEndpoint
from oauth.endpoints.introspection import IntrospectionEndpoint
from oauth.endpoints.jwks import JWKSEndpoint
from oauth.endpoints.metadata import MetadataEndpoint
from oauth.endpoints.par import PushedAuthorizationRequestEndpoint
from oauth.endpoints.registration import RegisteredClientEndpoint, RegistrationEndpoint
from oauth.endpoints.revocation import RevocationEndpoint
from oauth.endpoints.status import StatusListEndpoint
from oauth.endpoints.token import TokenEndpoint
from oauth.endpoints.userinfo import UserInfoEndpoint
from oauth.endpoints.verify import VerifyEndpoint
from oauth.infrastructure.own_login import without_login_middleware
from oauth.pages import app_presentation, brand
from oauth.pages.app_details import AppDetails
from oauth.pages.apps import ConnectedApp, ConnectedApps, EndedApps
from oauth.pages.authorize import AuthorizationPage
from oauth.pages.backchannel_requests import RequestsPage
from oauth.pages.build import guide
from oauth.pages.developers import apps as developer_apps
from oauth.pages.developers.credentials import Keys, Secret
from oauth.pages.developers.overview import overview
from oauth.pages.developers.requests import Requests
from oauth.pages.developers.sandbox import SandboxUsers
from oauth.pages.device import DevicePage
from oauth.pages.logout import LogoutPage

app_name = "oauth"
urlpatterns = without_login_middleware(
    [  # the most requested URLs come first, because Django tries them in this order
        path("oauth/token", TokenEndpoint.as_view(), name="token"),
        path("oauth/verify", VerifyEndpoint.as_view(), name="verify"),
        re_path(r"^oauth/verify/at/(?P<path>.*)$", VerifyEndpoint.as_view(), name="verify-at"),
        path("oauth/jwks", JWKSEndpoint.as_view(), name="jwks"),
        path(".well-known/oauth-authorization-server", MetadataEndpoint.as_view(), name="metadata"),
        path(".well-known/openid-configuration", MetadataEndpoint.as_view(), name="discovery"),
        path("oauth/authorize", AuthorizationPage.as_view(), name="authorize"),
        path("build", guide, name="build"),
        path("build/<str:kind>", guide, name="build-kind"),
        path("developers", overview, name="developers"),
        path("developers/sandbox", SandboxUsers.as_view(), name="developer-sandbox"),
        path("developers/apps/new", developer_apps.NewApp.as_view(), name="developer-new-app"),
        path("developers/apps/<int:client_pk>", developer_apps.App.as_view(), name="developer-app"),
        path("developers/apps/<int:client_pk>/change", developer_apps.ChangeApp.as_view(), name="developer-change-app"),
        path("developers/apps/<int:client_pk>/review", developer_apps.Review.as_view(), name="developer-review"),
        path("developers/apps/<int:client_pk>/close", developer_apps.CloseApp.as_view(), name="developer-close-app"),
        path("developers/apps/<int:client_pk>/programs", developer_apps.Programs.as_view(), name="developer-programs"),
        path("developers/apps/<int:client_pk>/secret", Secret.as_view(), name="developer-secret"),
        path("developers/apps/<int:client_pk>/keys", Keys.as_view(), name="developer-keys"),
        path("developers/apps/<int:client_pk>/requests", Requests.as_view(), name="developer-requests"),
        path("oauth/brand/<str:color>.css", brand.stylesheet, name="brand"),
        path("oauth/logo/<str:digest>.png", app_presentation.logo, name="app-logo"),
        path("oauth/apps", ConnectedApps.as_view(), name="apps"),
        path("oauth/apps/ended", EndedApps.as_view(), name="ended-apps"),
        path("oauth/apps/<int:client_pk>", ConnectedApp.as_view(), name="app"),
        path("oauth/apps/<uuid:authorization_id>/<int:number>", AppDetails.as_view(), name="app-details"),
        path("oauth/device", DevicePage.as_view(), name="device"),
        path("oauth/device_authorization", DeviceAuthorizationEndpoint.as_view(), name="device-authorization"),
        path("oauth/par", PushedAuthorizationRequestEndpoint.as_view(), name="par"),
        path("oauth/grants", GrantEndpoint.as_view(), {"grant_id": ""}, name="grants"),
        path("oauth/grants/<str:grant_id>", GrantEndpoint.as_view(), name="grant"),
        path("oauth/backchannel_authentication", BackchannelAuthenticationEndpoint.as_view(), name="backchannel"),
        path("oauth/requests", RequestsPage.as_view(), name="requests"),
        path("oauth/logout", LogoutPage.as_view(), name="logout"),
        path("oauth/status/<int:number>", StatusListEndpoint.as_view(), name="status"),
        path("oauth/revoke", RevocationEndpoint.as_view(), name="revoke"),
        path("oauth/introspect", IntrospectionEndpoint.as_view(), name="introspect"),
        path("oauth/userinfo", UserInfoEndpoint.as_view(), name="userinfo"),
        path("oauth/register", RegistrationEndpoint.as_view(), name="register"),
        path("oauth/register/<str:client_id>", RegisteredClientEndpoint.as_view(), name="registered-client"),
        *well_known.urlpatterns,
    ]
)
