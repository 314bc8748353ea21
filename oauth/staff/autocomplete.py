"""Django's autocomplete widgets, for forms that somebody has forged.

To show a form again, Django's widgets read the rows of the submitted keys. A value that cannot be a key raises
ValueError there, although the form has already refused it.
"""

from typing import Any

from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple

from oauth.staff import lookups


class _OnlyKeys(AutocompleteMixin):
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        rows = self.choices.queryset
        return super().optgroups(name, [one for one in value if not one or lookups.is_key(rows, one)], attr)


class Select(_OnlyKeys, AutocompleteSelect):
    pass


class SelectMultiple(_OnlyKeys, AutocompleteSelectMultiple):
    pass
