"""The name of a browser from its User-Agent header. It is a hint only: a client can send any User-Agent."""

from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse_os, parse_user_agent


def describe(user_agent: str) -> str:
    browser, system = _names(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("An unknown browser")


@lru_cache(maxsize=1000)
def _names(user_agent: str) -> tuple[str, str]:
    browser, system = parse_user_agent(user_agent[:512]), parse_os(user_agent[:512])
    return browser.family if browser else "", system.family if system else ""
