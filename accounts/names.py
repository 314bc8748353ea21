"""The name that a user gives at sign-up and in the profile."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from oauth.infrastructure import display_names


def checked(name: str) -> str:
    """UTS #36: other users see the name beside payments, so it must contain no characters that are invisible or change
    the direction of text. Raises ValidationError.
    """
    if not display_names.is_printable(name):
        raise ValidationError(_("This contains an invisible character."))
    return name
