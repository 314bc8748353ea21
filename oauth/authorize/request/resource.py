"""The `resource` parameter (RFC 8707 §2)."""

from oauth.errors import InvalidTarget, listed
from oauth.infrastructure.uris import spelled_as
from oauth.models import Client


def requested_resources(asked: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """ASVS 5.0 9.2.4. The default is the server's first resource. Raises InvalidTarget."""
    allowed = tuple(client.usable_resources)
    asked = spelled_as(allowed, asked)
    if not set(asked) <= set(allowed):
        raise InvalidTarget(f"resource must be one that this client may use: {listed(allowed) or 'none'}.")
    return asked or allowed[:1]
