"""The parameters prompt, display and max_age (OpenID Connect Core §3.1.2.1)."""

import re
from datetime import timedelta

from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.parameters import Parameters

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
DISPLAYS = frozenset({"page", "popup", "touch", "wap"})


def requested_prompts(params: Parameters) -> frozenset[str]:
    """Raises InvalidRequest."""
    prompts = frozenset(params.get("prompt", "").split())
    if not prompts <= PROMPTS:
        raise InvalidRequest(f"prompt must be one or more of: {', '.join(sorted(PROMPTS))}.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none must not be combined with another value.")
    return prompts


def requested_max_age(params: Parameters, client: Client) -> timedelta | None:
    """`max_age`, or the client's registered default if it was not sent. Raises InvalidRequest."""
    value = params.get("max_age")
    if value is None:
        return default_max_age(client)
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise InvalidRequest("max_age must be a number of seconds.")
    return timedelta(seconds=int(value))


def default_max_age(client: Client) -> timedelta | None:
    """OpenID Connect Registration §2: `default_max_age` applies to requests without `max_age`."""
    return None if client.default_max_age is None else timedelta(seconds=client.default_max_age)


def check_display(params: Parameters) -> None:
    """Refuses an unknown value; `display` has no other effect. Raises InvalidRequest."""
    if params.get("display", "page") not in DISPLAYS:
        raise InvalidRequest(f"display must be one of: {', '.join(sorted(DISPLAYS))}.")
