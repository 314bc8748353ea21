"""Home and everything under /accounts/. Ours come first; allauth's keep their names."""

from django.urls import include, path

from accounts.personal_data import download
from accounts.security import security
from accounts.sessions import SessionsView
from accounts.views import LoginView, home, stronger

urlpatterns = [
    path("", home, name="home"),
    path("accounts/login/", LoginView.as_view(), name="account_login"),
    path("accounts/", security, name="account_security"),
    path("accounts/stronger/", stronger, name="account_stronger"),
    path("accounts/data/", download, name="account_data"),
    path("accounts/sessions/", SessionsView.as_view(), name="usersessions_list"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/oidc/", include("accounts.upstream.urls")),
    path("accounts/social/", include("allauth.socialaccount.urls")),
]
