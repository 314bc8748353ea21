"""The home page and everything under /accounts/. Our views come before allauth's and keep their names."""

from allauth.account.views import password_set
from allauth.mfa.webauthn.views import add_webauthn, remove_webauthn
from django.db import transaction
from django.urls import include, path, re_path

from accounts.browsers import trusted_browsers
from accounts.browsers.sessions import SessionsView
from accounts.login import recent_proof
from accounts.login.log_in_again import ReauthenticateView
from accounts.login.pages import (
    CodeView,
    ConfirmationSentView,
    ConfirmationView,
    LoginView,
    PasswordResetView,
    ResetSentView,
    stronger_login,
)
from accounts.pages import closing
from accounts.pages.addresses import AddressesView
from accounts.pages.change_password import change_password
from accounts.pages.home import choose_language, home
from accounts.pages.not_me import not_me
from accounts.pages.personal_data import download
from accounts.pages.profile import profile
from accounts.pages.security import security
from accounts.pages.strength import password_strength
from accounts.second_factors import authenticator_app

urlpatterns = [
    path("", home, name="home"),
    path(".well-known/change-password", change_password, name="change-password"),
    path("language", choose_language, name="set_language"),
    path("accounts/login/", LoginView.as_view(), name="account_login"),
    path("accounts/", security, name="account_security"),
    path("accounts/password/reset/", PasswordResetView.as_view(), name="account_reset_password"),
    path("accounts/password/reset/done/", ResetSentView.as_view(), name="account_reset_password_done"),
    path("accounts/email/", AddressesView.as_view(), name="account_email"),
    path("accounts/confirm-email/", ConfirmationSentView.as_view(), name="account_email_verification_sent"),
    re_path(r"^accounts/confirm-email/(?P<key>[-:\w]+)/$", ConfirmationView.as_view(), name="account_confirm_email"),
    path("accounts/login/code/confirm/", CodeView.as_view(), name="account_confirm_login_code"),
    path("accounts/reauthenticate/", ReauthenticateView.as_view(), name="account_reauthenticate"),
    path("accounts/stronger/", stronger_login, name="account_stronger"),
    path("accounts/not-me/", not_me, name="account_not_me"),
    path("accounts/close/", closing.close, name="account_close"),
    path("accounts/closed/", closing.closed, name="account_closed"),
    path("accounts/profile/", profile, name="account_profile"),
    path("accounts/data/", download, name="account_data"),
    path("accounts/trusted/", trusted_browsers.end, name="account_trusted"),
    path("accounts/2fa/trust/", trusted_browsers.TrustView.as_view(), name="mfa_trust"),
    path("accounts/sessions/", SessionsView.as_view(), name="usersessions_list"),
    # These views add a login method, so they require a recent authentication. allauth does not if the user has neither
    # a password nor a second factor.
    path("accounts/2fa/webauthn/add/", recent_proof.required(add_webauthn), name="mfa_add_webauthn"),
    path("accounts/2fa/totp/activate/", recent_proof.required(authenticator_app.activate), name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", authenticator_app.deactivate, name="mfa_deactivate_totp"),
    path("accounts/password/strength/", password_strength, name="account_password_strength"),
    path("accounts/password/set/", recent_proof.required(password_set), name="account_set_password"),
    # Remove the factor and enqueue the notice in one transaction.
    path(
        "accounts/2fa/webauthn/keys/<int:pk>/remove/", transaction.atomic(remove_webauthn), name="mfa_remove_webauthn"
    ),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/oidc/", include("accounts.upstream.urls")),
    path("accounts/social/", include("allauth.socialaccount.urls")),
]
