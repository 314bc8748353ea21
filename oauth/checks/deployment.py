"""`manage.py check --deploy`: reports settings that are unsafe in production."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from oauth.conf import conf
from oauth.proof.certificate import read_authorities
from oauth.resource_server.checks import is_unencrypted

_CACHES_OF_ONE_PROCESS = ("dummy", "locmem")


@register(Tags.security, deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    return [message for check in (_issuer, _authorities, _implicit, _cache) for message in check()]


def _issuer() -> Iterator[CheckMessage]:
    if is_unencrypted(conf.ISSUER):
        yield Error(
            f'OAUTH["ISSUER"] is {conf.ISSUER!r}: tokens would be sent unencrypted (RFC 6749 §3.1, §3.2).',
            hint="Serve the site over TLS, and use https in the issuer.",
            id="oauth.E010",
        )


def _authorities() -> Iterator[CheckMessage]:
    try:
        read_authorities(conf.CLIENT_CERTIFICATE_AUTHORITIES)
    except ValueError:
        yield Error(
            'OAUTH["CLIENT_CERTIFICATE_AUTHORITIES"] is not PEM, so no certificate can be verified (RFC 8705 §2.1).',
            hint="It must contain one or more blocks that begin with -----BEGIN CERTIFICATE-----.",
            id="oauth.E012",
        )


def _implicit() -> Iterator[CheckMessage]:
    if conf.ALLOW_IMPLICIT:
        yield Error(
            'OAUTH["ALLOW_IMPLICIT"] is on: access tokens appear in URLs (RFC 9700 §2.1.2).',
            hint="Move these clients to the authorization code flow with PKCE, then turn ALLOW_IMPLICIT off.",
            id="oauth.E011",
        )


def _cache() -> Iterator[CheckMessage]:
    backend = settings.CACHES[DEFAULT_CACHE_ALIAS]["BACKEND"]
    if any(f".{name}." in backend for name in _CACHES_OF_ONE_PROCESS):
        yield Warning(
            f"CACHES uses {backend}, which worker processes do not share: each would count rate limits separately.",
            hint="Use Redis, Valkey or django.core.cache.backends.db.DatabaseCache.",
            id="oauth.W004",
        )
