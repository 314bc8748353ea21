"""Home and everything under /accounts/. Ours come first; allauth's keep their names."""

from django.urls import include, path

from accounts.views import LoginView, SignupView, home, stronger

urlpatterns = [
    path("", home, name="home"),
    path("accounts/login/", LoginView.as_view(), name="account_login"),
    path("accounts/signup/", SignupView.as_view(), name="account_signup"),
    path("accounts/stronger/", stronger, name="account_stronger"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
]
