"""Checks OAUTH["BRANDING"] with the rules of the admin's form."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ValidationError

from oauth.conf import conf
from oauth.models import Branding


@register(Tags.security)
def check_branding(**_: Any) -> list[CheckMessage]:
    fields = {field.name: field for field in Branding._meta.get_fields() if field.name != "id"}
    messages: list[CheckMessage] = []
    for name, value in conf.BRANDING.items():
        try:
            if name not in fields:
                raise ValidationError(f"It must be one of {', '.join(sorted(fields))}.")
            fields[name].clean(value, None)  # type: ignore[union-attr]  # each name is a field of the form
        except ValidationError as error:
            messages.append(
                Error(
                    f'OAUTH["BRANDING"]["{name}"] is {value!r}, which is not a valid value.',
                    hint=" ".join(error.messages),
                    id="oauth.E040",
                )
            )
    return messages
