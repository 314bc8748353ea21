"""Facts about the site that rules of several standards use. Each function returns an Outcome."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from oauth.conf import conf
from oauth.conformance_report.line import Outcome, met, unmet

_A_YEAR_IN_SECONDS = 365 * 86_400
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def issuer_has_tls() -> Outcome:
    issuer = urlsplit(conf.ISSUER)
    if issuer.scheme == "https":
        return met(f"The issuer is {conf.ISSUER}.")
    is_local = issuer.hostname in _LOOPBACK_HOSTS
    where = "only this machine can reach it, but it is not suitable for production" if is_local else ""
    reason = f"The issuer is {conf.ISSUER}, so codes and tokens are sent unencrypted{f'; {where}' if where else ''}."
    return unmet(reason, change='OAUTH["ISSUER"]')


def tls_cannot_be_stripped() -> Outcome:
    """RFC 6797: HSTS. The preload list requires a max-age of a year, includeSubDomains and preload."""
    for name, is_enough in (
        ("SECURE_HSTS_SECONDS", settings.SECURE_HSTS_SECONDS >= _A_YEAR_IN_SECONDS),
        ("SECURE_HSTS_INCLUDE_SUBDOMAINS", settings.SECURE_HSTS_INCLUDE_SUBDOMAINS),
        ("SECURE_HSTS_PRELOAD", settings.SECURE_HSTS_PRELOAD),
    ):
        if not is_enough:
            reason = f"{name} is {getattr(settings, name)!r}. A preloaded HSTS policy needs a year or more."
            return unmet(reason, change=name)
    return met(f"HSTS for {settings.SECURE_HSTS_SECONDS} seconds, for subdomains and preload lists.")


def site_has_no_implicit_flow() -> Outcome:
    if conf.ALLOW_IMPLICIT:
        return unmet("The site allows the implicit flow.", change='OAUTH["ALLOW_IMPLICIT"]')
    return met("The site issues no token from the authorization endpoint.")


def at_most(name: str, longest: timedelta) -> Outcome:
    """Whether the duration OAUTH[name] is at most `longest`."""
    given: timedelta = getattr(conf, name)
    if given <= longest:
        return met(f'OAUTH["{name}"] is {written(given)}.')
    return unmet(f'OAUTH["{name}"] is {written(given)}, more than {written(longest)}.', change=f'OAUTH["{name}"]')


def written(length: timedelta) -> str:
    """A duration as text, such as "5 minutes"."""
    for unit, name in _UNITS:
        if length >= unit and length % unit == timedelta():
            number = length // unit
            return f"{number} {name}{'s' if number > 1 else ''}"
    return f"{length.total_seconds():g} seconds"
