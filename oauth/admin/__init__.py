"""The admin of the authorization server: clients, keys, authorizations, scopes.

django-oauth-toolkit registers our Client with `ClientAdmin`. Its own token models stay empty and are not registered.
"""

from django.contrib import admin
from oauth2_provider import models as engine

from oauth.admin.client import ClientAdmin  # must come before the next import, which reads this name

import oauth2_provider.admin  # noqa: F401  isort: skip
from oauth.admin.audit_event import AuditEventAdmin
from oauth.admin.authorization import AuthorizationAdmin
from oauth.admin.branding import BrandingAdmin
from oauth.admin.client_review import ClientReviewAdmin
from oauth.admin.initial_access_token import InitialAccessTokenAdmin
from oauth.admin.new_redirect_host import NewRedirectHostAdmin
from oauth.admin.refusal_count import RefusalCountAdmin
from oauth.admin.refused_request import RefusedRequestAdmin
from oauth.admin.scope import ScopeAdmin
from oauth.admin.signing_key import SigningKeyAdmin

for model in (
    engine.get_access_token_model(),
    engine.get_grant_model(),
    engine.get_id_token_model(),
    engine.get_refresh_token_model(),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

__all__ = [
    "AuditEventAdmin",
    "AuthorizationAdmin",
    "BrandingAdmin",
    "ClientAdmin",
    "ClientReviewAdmin",
    "InitialAccessTokenAdmin",
    "NewRedirectHostAdmin",
    "RefusalCountAdmin",
    "RefusedRequestAdmin",
    "ScopeAdmin",
    "SigningKeyAdmin",
]
