"""System checks of the site: a setting that makes a production server unsafe is an Error with a fix.

`manage.py check --deploy` runs them, and `serve` and the WSGI application do not start with an Error. The checks of
OAUTH are in oauth/checks/.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS

from accounts.passwords import argon2
from config.database import hosts, watch
from config.database.waiting import Away

MIN_SECRET_KEY_CHARACTERS = 50
MIN_SECRET_KEY_DIFFERENT_CHARACTERS = 10
_MAIL_THAT_GOES_NOWHERE = ("console", "dummy", "filebased", "locmem")
_PROXY_SECRET = re.compile(r"[A-Za-z0-9._-]{32,255}")
_CACHES_OF_ONE_PROCESS = ("dummy", "filebased", "locmem")


@register(Tags.security, deploy=True)
def check_environment(**_: Any) -> list[CheckMessage]:
    """Reports every wrong value of the environment at once."""
    return [message for check in _CHECKS for message in check()]


@register(Tags.security)
def check_mutual_tls(**_: Any) -> list[CheckMessage]:
    """Runs in every mode, because a client must never be able to forge the header with the certificate (RFC 9440
    §4).
    """
    messages: list[CheckMessage] = []
    if settings.OAUTH["CLIENT_CERTIFICATE"] and not (settings.TRUSTED_PROXIES and settings.PROXY_SECRETS):
        messages.append(
            Error(
                "MUTUAL_TLS is on, but clients could forge the header with the certificate.",
                hint="List the proxy in TRUSTED_PROXIES and its secret in PROXY_SECRETS, or turn MUTUAL_TLS off.",
                id="config.E010",
            )
        )
    if any(not _PROXY_SECRET.fullmatch(secret) for secret in settings.PROXY_SECRETS):
        messages.append(
            Error(
                "A secret of PROXY_SECRETS is too short, or not allowed in a Forwarded header (RFC 7239 §6.3).",
                hint="32 or more letters, digits, '.', '_' and '-': "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'",
                id="config.E012",
            )
        )
    return messages


@register(Tags.database)
def check_clock(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A host whose clock is wrong refuses proofs, assertions and tokens of other hosts."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    probe = watch.probe()
    try:
        answer = probe.ask()
    except Away:
        return []  # other checks report that the database is unreachable
    finally:
        probe.close()
    if answer is None or not watch.is_skewed(answer):
        return []
    return [
        Warning(
            f"The clock of this host differs from the database's by {answer.clock_skew_seconds:+.1f} seconds.",
            hint="Synchronize the clocks of all hosts (NTP). Beyond OAUTH['CLOCK_SKEW'], tokens are refused.",
            id="config.W010",
        )
    ]


def _secret_key() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    is_long = len(key) >= MIN_SECRET_KEY_CHARACTERS and len(set(key)) >= MIN_SECRET_KEY_DIFFERENT_CHARACTERS
    if not is_long or key.startswith("django-insecure-"):
        yield Error(
            "SECRET_KEY is too weak. It signs sessions and password resets.",
            hint="Create one: python -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="config.E001",
        )


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine not in ("django.db.backends.postgresql", "oauth.fast_path.postgresql", "config.database.postgresql"):
        yield Error(
            f"DATABASE_URL must be PostgreSQL, because the ledger relies on it; it is {engine}.",
            hint="DATABASE_URL=postgresql://user:password@host/name",
            id="config.E002",
        )
    options = settings.DATABASES["default"].get("OPTIONS", {})
    if not hosts.finds_writer({**options, "host": settings.DATABASES["default"].get("HOST") or options.get("host")}):
        yield Error(
            "DATABASE_URL names several hosts, but connections could stay on a host that takes no writes.",
            hint="Add target_session_attrs=read-write: postgresql://user:password@one,two/name?target_session_attrs=…",
            id="config.E014",
        )


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            'ALLOWED_HOSTS must not contain "*": an attacker could then choose the Host header.',
            hint="List the host names, or leave it unset: the default is the host of the issuer.",
            id="config.E003",
        )


def _mail() -> Iterator[CheckMessage]:
    backend = settings.EMAIL_BACKEND
    if any(f".{name}." in backend for name in _MAIL_THAT_GOES_NOWHERE):
        yield Error(
            f"EMAIL_URL uses {backend}, which sends no emails. Users need them to verify emails and reset passwords.",
            hint="EMAIL_URL=smtp+tls://user:password@host:587",
            id="config.E004",
        )


def _outbound() -> Iterator[CheckMessage]:
    loopback = [host for host in settings.OUTBOUND_ALLOWED_HOSTS if _is_loopback(host)]
    if loopback:
        yield Error(
            f"OUTBOUND_ALLOWED_HOSTS must not contain this machine ({', '.join(loopback)}): clients could reach it.",
            hint="List only hosts of your network that clients may register URLs of.",
            id="config.E005",
        )


def _proxies() -> Iterator[CheckMessage]:
    unsafe = [proxy for proxy in settings.TRUSTED_PROXIES if not _is_bounded_network(proxy)]
    if unsafe:
        yield Error(
            f"TRUSTED_PROXIES contains {', '.join(unsafe)}, which is every peer or no IP address (RFC 9700 §4.13).",
            hint="List only IP addresses or networks of your reverse proxies, such as 10.0.3.0/24.",
            id="config.E006",
        )


def _metrics() -> Iterator[CheckMessage]:
    unsafe = [network for network in settings.METRICS_NETWORKS if not _is_bounded_network(network)]
    if unsafe:
        yield Error(
            f"METRICS_NETWORKS contains {', '.join(unsafe)}, which is every client or no network.",
            hint="List the IP addresses or networks of your Prometheus, such as 10.0.9.4.",
            id="config.E007",
        )


def _cache() -> Iterator[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if any(f".{name}." in backend for name in _CACHES_OF_ONE_PROCESS):
        yield Error(
            f"CACHE_URL uses {backend}, which worker processes do not share: they would miss replays and rate limits.",
            hint="CACHE_URL=rediscache://host:6379/0, or leave it unset for a table in the database.",
            id="config.E008",
        )


def _throttles() -> Iterator[CheckMessage]:
    if settings.THROTTLE_SCALE != 1:
        yield Warning(
            f"THROTTLE_SCALE is {settings.THROTTLE_SCALE:g}, so rate limits are not those of the documentation.",
            hint="Leave it unset. It is for measurements only.",
            id="config.W001",
        )


def _proxy_headers() -> Iterator[CheckMessage]:
    if settings.TRUSTED_PROXIES and not settings.PROXY_SECRETS and not settings.PROXIES_DROP_UNDERSCORES:
        yield Error(
            "TRUSTED_PROXIES is set, but clients could forge the headers of the proxies: a WSGI server does not "
            "distinguish X-Forwarded-For from X_Forwarded_For.",
            hint="Share a secret with the proxies in PROXY_SECRETS, which they send as "
            "Forwarded: for=…;proto=…;by=_SECRET. If they cannot send it but drop header names with underscores, set "
            "PROXIES_DROP_UNDERSCORES=on.",
            id="config.E011",
        )


def _password_hashes() -> Iterator[CheckMessage]:
    memory, passes = settings.PASSWORD_HASH_MEMORY_KIB, settings.PASSWORD_HASH_PASSES
    if not argon2.is_strong(memory_kib=memory, passes=passes):
        yield Error(
            f"Password hashes with {memory:,} KiB and {passes} passes are weaker than OWASP recommends (ASVS 11.4.2).",
            hint="Leave PASSWORD_HASH_MEMORY_KIB and PASSWORD_HASH_PASSES unset, or raise one of them.",
            id="config.E013",
        )


_CHECKS = (
    _secret_key,
    _database,
    _hosts,
    _mail,
    _outbound,
    _proxies,
    _proxy_headers,
    _metrics,
    _cache,
    _password_hashes,
    _throttles,
)


def _is_loopback(host: str) -> bool:
    """`host` may have a port, as in a URL, and an IPv6 address may be in brackets."""
    is_bare_ipv6 = host.count(":") > 1 and not host.startswith("[")
    name = host if is_bare_ipv6 else urlsplit(f"//{host}").hostname or ""
    try:
        address = ip_address(name)
    except ValueError:
        return name.rstrip(".") == "localhost" or name.rstrip(".").endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_bounded_network(network: str) -> bool:
    """Whether it is an IP address or a network, but not the network of all IP addresses."""
    try:
        return ip_network(network).prefixlen > 0
    except ValueError:
        return False
