"""Sets the language of the pages to the first of `ui_locales` that the site supports (OpenID Connect Core §3.1.2.1)."""

from contextlib import suppress

from django.utils import translation

from oauth.authorize.interaction import Interaction


def choose_language(interaction: Interaction) -> None:
    """Only for a new request. On later pages, the user's own choice counts."""
    if interaction.row is not None:
        return
    for locale in interaction.request.ui_locales:
        with suppress(LookupError):
            translation.activate(translation.get_supported_language_variant(locale))
            return
