"""Checks the redirect URI again."""

from django.utils.translation import gettext_noop as _

from oauth.authorize.interaction import Interaction
from oauth.errors import InvalidRequest


def check_redirect_uri(interaction: Interaction) -> None:
    """RFC 9700 §2.1: the redirect URI may have been removed from the client while the user decided. Raises
    InvalidRequest, which must be shown to the user.
    """
    if not interaction.client.redirect_uri_allowed(interaction.request.redirect_uri):
        raise InvalidRequest(_("The redirect_uri must be registered for this app."))
