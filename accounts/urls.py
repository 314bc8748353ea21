"""Home and everything under /accounts/. Ours come first; allauth's keep their names."""

from allauth.account.views import password_set
from allauth.mfa.totp.views import activate_totp
from allauth.mfa.webauthn.views import add_webauthn
from django.urls import include, path

from accounts import recent_proof, trusted_browsers
from accounts.personal_data import download
from accounts.security import security
from accounts.sessions import SessionsView
from accounts.views import LoginView, choose_language, home, stronger

urlpatterns = [
    path("", home, name="home"),
    path("language", choose_language, name="set_language"),
    path("accounts/login/", LoginView.as_view(), name="account_login"),
    path("accounts/", security, name="account_security"),
    path("accounts/stronger/", stronger, name="account_stronger"),
    path("accounts/data/", download, name="account_data"),
    path("accounts/trusted/", trusted_browsers.end, name="account_trusted"),
    path("accounts/2fa/trust/", trusted_browsers.TrustView.as_view(), name="mfa_trust"),
    path("accounts/sessions/", SessionsView.as_view(), name="usersessions_list"),
    # allauth asks nobody again who has neither password nor second factor; these let in more than one way.
    path("accounts/2fa/webauthn/add/", recent_proof.required(add_webauthn), name="mfa_add_webauthn"),
    path("accounts/2fa/totp/activate/", recent_proof.required(activate_totp), name="mfa_activate_totp"),
    path("accounts/password/set/", recent_proof.required(password_set), name="account_set_password"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/oidc/", include("accounts.upstream.urls")),
    path("accounts/social/", include("allauth.socialaccount.urls")),
]
