"""The sector of a pairwise client (OpenID Connect Core §8.1, Registration §5)."""

from urllib.parse import urlsplit

from oauth.errors import InvalidClientMetadata
from oauth.infrastructure import outbound
from oauth.models import Client
from oauth.models.client import SubjectType


def check_sector(client: Client, redirect_uris: list[str]) -> None:
    """Raises InvalidClientMetadata unless all redirect URIs have the same host or are in the list at
    `sector_identifier_uri`. May fetch the list.
    """
    if client.subject_type != SubjectType.PAIRWISE:
        return
    if client.sector_identifier_uri:
        try:
            listed = outbound.get_json(client.sector_identifier_uri)
        except outbound.OutboundError as error:
            raise InvalidClientMetadata(f"sector_identifier_uri: {error}") from error
        if not isinstance(listed, list) or not set(redirect_uris) <= {one for one in listed if isinstance(one, str)}:
            raise InvalidClientMetadata("sector_identifier_uri must list every redirect URI of this client.")
    elif len({urlsplit(uri).hostname for uri in redirect_uris}) > 1:
        raise InvalidClientMetadata("Redirect URIs of several hosts need a sector_identifier_uri.")
