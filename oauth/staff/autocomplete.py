"""Django's autocomplete widgets, for forms that somebody has forged.

To show a form again, Django's widgets read the rows of the submitted keys. A value that cannot be a key raises
ValueError there, although the form has already refused it.
"""

from typing import Any

from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError


class _OnlyKeys(AutocompleteMixin):
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [one for one in value if one in ("", None) or self._is_key(one)]
        return super().optgroups(name, keys, attr)

    def _is_key(self, value: Any) -> bool:
        try:
            self.choices.queryset.filter(pk=value)
        except (TypeError, ValueError, ValidationError):
            return False
        return "\0" not in str(value)


class Select(_OnlyKeys, AutocompleteSelect):
    pass


class SelectMultiple(_OnlyKeys, AutocompleteSelectMultiple):
    pass
