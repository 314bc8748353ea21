"""Provides packages of `oauth` with their settings. `apps` calls `provide_settings` when Django starts; endpoints call
`token_policy` and pass it on.

Only this module and the outer packages read `conf` (docs/architecture.md, "Settings").
"""

from django.utils.module_loading import import_string

from oauth import keys
from oauth.audit import refused_requests
from oauth.authorization_details import registry as details_types
from oauth.conf import conf
from oauth.grants.policy import TokenPolicy
from oauth.infrastructure import outage, outbound, rate_limits
from oauth.infrastructure.caches import until_cleared
from oauth.keys import KeyPolicy
from oauth.models.client import site as client_site
from oauth.models.client.site import Site
from oauth.sessions import authentication_context
from oauth.status import published_lists
from oauth.status.published_lists import ListPolicy


def provide_settings() -> None:
    """Registers functions. Each package reads its values at first use, and again after a test has overridden OAUTH."""
    outbound.allowed_hosts.by(lambda: frozenset(conf.OUTBOUND_ALLOWED_HOSTS))
    refused_requests.interval.by(lambda: conf.REFUSED_REQUESTS_INTERVAL)
    outage.tolerance.by(lambda: conf.OUTAGE_TOLERANCE)
    rate_limits.scale.by(lambda: conf.THROTTLE_SCALE)
    details_types.registered.by(lambda: conf.AUTHORIZATION_DETAILS_TYPES)
    details_types.of_scopes.by(lambda: conf.DETAILS_OF_SCOPES)
    client_site.site.by(_site)
    authentication_context.source.by(lambda: import_string(conf.AUTHENTICATION_CONTEXT))
    authentication_context.weakest_acr.by(lambda: conf.ACR_VALUES[0])
    keys.policy.by(_keys)
    published_lists.policy.by(_status_lists)


@until_cleared
def token_policy() -> TokenPolicy:
    return TokenPolicy(
        issuer=conf.ISSUER,
        algorithm=conf.SIGNING_ALGORITHM,
        access_token_lifetime=conf.ACCESS_TOKEN_LIFETIME,
        id_token_lifetime=conf.ID_TOKEN_LIFETIME,
        refresh_token_idle_lifetime=conf.REFRESH_TOKEN_IDLE_LIFETIME,
        refresh_token_retry_window=conf.REFRESH_TOKEN_RETRY_WINDOW,
        pairwise_key=conf.PAIRWISE_SUBJECT_KEY,
        user_claims=conf.USER_CLAIMS,
        audiences=(*conf.RESOURCES, conf.ISSUER),
    )


def _site() -> Site:
    return Site(
        grant_types=conf.GRANT_TYPES,
        authentication_methods=conf.CLIENT_AUTHENTICATION_METHODS,
        details_types=tuple(conf.AUTHORIZATION_DETAILS_TYPES),
        resources=tuple(conf.RESOURCES),
        has_pairwise_subjects=bool(conf.PAIRWISE_SUBJECT_KEY),
        allows_implicit=conf.ALLOW_IMPLICIT,
        sees_certificates=conf.CLIENT_CERTIFICATE is not None,
        has_certificate_authorities=bool(conf.CLIENT_CERTIFICATE_AUTHORITIES),
        id_token_algorithm=conf.ID_TOKEN_SIGNING_ALGORITHM,
        access_token_algorithm=conf.SIGNING_ALGORITHM,
    )


def _keys() -> KeyPolicy:
    return KeyPolicy(
        encryption_keys=conf.KEY_ENCRYPTION_KEYS,
        access_token_algorithm=conf.SIGNING_ALGORITHM,
        id_token_algorithm=conf.ID_TOKEN_SIGNING_ALGORITHM,
        cache_lifetime=conf.KEY_CACHE_LIFETIME,
        rotation_interval=conf.KEY_ROTATION_INTERVAL,
        clock_skew=conf.CLOCK_SKEW,
        stores=conf.KEY_STORES,
        first_store=conf.KEY_STORE,
    )


def _status_lists() -> ListPolicy:
    return ListPolicy(
        issuer=conf.ISSUER,
        algorithm=conf.SIGNING_ALGORITHM,
        refresh=conf.STATUS_LIST_REFRESH,
        max_age=conf.STATUS_LIST_MAX_AGE,
    )
