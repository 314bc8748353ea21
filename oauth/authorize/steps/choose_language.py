"""The language of the pages: the first of `ui_locales` that the site has (OpenID Connect Core §3.1.2.1)."""

from contextlib import suppress

from django.utils import translation

from oauth.authorize.interaction import Interaction


def choose_language(interaction: Interaction) -> None:
    """Applies only to the client's request. Afterwards, the language that the user chooses at the foot of a page
    counts.
    """
    if interaction.row is not None:
        return
    for locale in interaction.request.ui_locales:
        with suppress(LookupError):
            translation.activate(translation.get_supported_language_variant(locale))
            return
