"""What would make a production server unsafe: an Error with its fix. `serve` and the WSGI application refuse to start.

Run by `manage.py check --deploy`. What concerns OAuth itself is in oauth/checks.py.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

MIN_SECRET_KEY_CHARACTERS = 50
MIN_SECRET_KEY_DIFFERENT_CHARACTERS = 10
_MAIL_THAT_GOES_NOWHERE = ("console", "dummy", "filebased", "locmem")
_PROXY_SECRET = re.compile(r"[A-Za-z0-9._-]{32,255}")
_CACHES_OF_ONE_PROCESS = ("dummy", "filebased", "locmem")


@register(Tags.security, deploy=True)
def check_environment(**_: Any) -> list[CheckMessage]:
    """Every value of the environment that is known to be wrong, all at once."""
    return [message for check in _CHECKS for message in check()]


@register(Tags.security)
def check_mutual_tls(**_: Any) -> list[CheckMessage]:
    """In every mode: a certificate counts only in a form that no client can forge (RFC 9440 §4)."""
    messages: list[CheckMessage] = []
    if settings.OAUTH["CLIENT_CERTIFICATE"] and not (settings.TRUSTED_PROXIES and settings.PROXY_SECRETS):
        messages.append(
            Error(
                "MUTUAL_TLS is on, but no proxy can name the certificate in a form that clients cannot forge.",
                hint="Name the proxy in TRUSTED_PROXIES and share a secret with it in PROXY_SECRETS, "
                "or turn MUTUAL_TLS off.",
                id="config.E010",
            )
        )
    if any(not _PROXY_SECRET.fullmatch(secret) for secret in settings.PROXY_SECRETS):
        messages.append(
            Error(
                "A secret of PROXY_SECRETS can be guessed, or cannot stand in a Forwarded header (RFC 7239 §6.3).",
                hint="32 or more letters, digits, '.', '_' and '-': "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'",
                id="config.E012",
            )
        )
    return messages


def _secret_key() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    is_long = len(key) >= MIN_SECRET_KEY_CHARACTERS and len(set(key)) >= MIN_SECRET_KEY_DIFFERENT_CHARACTERS
    if not is_long or key.startswith("django-insecure-"):
        yield Error(
            "SECRET_KEY can be guessed: it signs sessions and password resets.",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="config.E001",
        )


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine not in ("django.db.backends.postgresql", "oauth.fast_path.postgresql"):
        yield Error(
            f"DATABASE_URL names {engine}: the ledger's guarantees are PostgreSQL's.",
            hint="DATABASE_URL=postgresql://user:password@host/name",
            id="config.E002",
        )


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            'ALLOWED_HOSTS holds "*": the Host header is then the attacker\'s to choose.',
            hint="Name the hosts, or leave it unset: the issuer's host is the default.",
            id="config.E003",
        )


def _mail() -> Iterator[CheckMessage]:
    backend = settings.EMAIL_BACKEND
    if any(f".{name}." in backend for name in _MAIL_THAT_GOES_NOWHERE):
        yield Error(
            f"EMAIL_URL leads to {backend}: nobody gets the mails that verify addresses and reset passwords.",
            hint="EMAIL_URL=smtp+tls://user:password@host:587",
            id="config.E004",
        )


def _outbound() -> Iterator[CheckMessage]:
    loopback = [host for host in settings.OUTBOUND_ALLOWED_HOSTS if _is_loopback(host)]
    if loopback:
        yield Error(
            f"OUTBOUND_ALLOWED_HOSTS names this machine ({', '.join(loopback)}): clients could make us call ourselves.",
            hint="Only hosts of your own network that clients may register addresses of.",
            id="config.E005",
        )


def _proxies() -> Iterator[CheckMessage]:
    unsafe = [proxy for proxy in settings.TRUSTED_PROXIES if not _is_bounded_network(proxy)]
    if unsafe:
        yield Error(
            f"TRUSTED_PROXIES holds {', '.join(unsafe)}: every peer, or no address (RFC 9700 §4.13).",
            hint="Addresses or networks of your reverse proxies only, such as 10.0.3.0/24.",
            id="config.E006",
        )


def _metrics() -> Iterator[CheckMessage]:
    unsafe = [network for network in settings.METRICS_NETWORKS if not _is_bounded_network(network)]
    if unsafe:
        yield Error(
            f"METRICS_NETWORKS holds {', '.join(unsafe)}: everybody, or no network.",
            hint="The addresses or networks of your Prometheus, such as 10.0.9.4.",
            id="config.E007",
        )


def _cache() -> Iterator[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if any(f".{name}." in backend for name in _CACHES_OF_ONE_PROCESS):
        yield Error(
            f"CACHE_URL leads to {backend}, which the workers do not share: replays and rate limits go unseen.",
            hint="CACHE_URL=rediscache://host:6379/0, or leave it unset for a table in the database.",
            id="config.E008",
        )


def _throttles() -> Iterator[CheckMessage]:
    if settings.THROTTLE_SCALE != 1:
        yield Warning(
            f"THROTTLE_SCALE is {settings.THROTTLE_SCALE:g}: rate limits are not what they were designed to be.",
            hint="For measurements only; leave it unset.",
            id="config.W001",
        )


def _proxy_headers() -> Iterator[CheckMessage]:
    if settings.TRUSTED_PROXIES and not settings.PROXY_SECRETS and not settings.PROXIES_DROP_UNDERSCORES:
        yield Error(
            "TRUSTED_PROXIES is set, but nothing keeps their clients from sending the same headers: a WSGI server "
            "makes one name of X-Forwarded-For and X_Forwarded_For.",
            hint="Share a secret with the proxies: PROXY_SECRETS, sent as Forwarded: for=…;proto=…;by=_SECRET. "
            "If they cannot send it but drop header names with underscores, set PROXIES_DROP_UNDERSCORES=on.",
            id="config.E011",
        )


_CHECKS = (_secret_key, _database, _hosts, _mail, _outbound, _proxies, _proxy_headers, _metrics, _cache, _throttles)


def _is_loopback(host: str) -> bool:
    """`host` as in a URL, perhaps with a port; an IPv6 address with or without brackets."""
    is_bare_ipv6 = host.count(":") > 1 and not host.startswith("[")
    name = host if is_bare_ipv6 else urlsplit(f"//{host}").hostname or ""
    try:
        address = ip_address(name)
    except ValueError:
        return name.rstrip(".") == "localhost" or name.rstrip(".").endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_bounded_network(network: str) -> bool:
    """An address or a network, but not all of them."""
    try:
        return ip_network(network).prefixlen > 0
    except ValueError:
        return False
