"""Maps users of DOT to users of this site."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count
from django.db.models.functions import Lower

from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.source import Source


class Users:
    """Matches users by primary key if `field` is empty, otherwise by a field that identifies exactly one user on each
    side.

    A value that two users on one side share matches nobody, because an attacker may have chosen another user's value.
    Case is ignored, because addresses that differ only in case are the same mailbox.
    """

    def __init__(self, source: Source, field: str) -> None:
        self._source, self._field = source, field
        if not field and not source.is_this_database:
            raise ImportRefused("The users are in another database: name the field to match with --match-users.")
        if field:
            try:
                get_user_model()._meta.get_field(field)
            except FieldDoesNotExist as error:
                raise ImportRefused(f"--match-users must be a field of {get_user_model().__name__}: {error}") from error

    def here(self, keys: Iterable[Any]) -> dict[Any, Any]:
        """Primary key in DOT's database -> primary key on this site. Omits users who do not exist on this site and, if
        `field` is set, users who are inactive in DOT's database.
        """
        wanted = {key for key in keys if key is not None}
        if not wanted:
            return {}
        return self._by_field(wanted) if self._field else self._by_key(wanted)

    def _by_key(self, wanted: set[Any]) -> dict[Any, Any]:
        users = get_user_model()._base_manager
        ours = {self._key.to_python(key): key for key in wanted}
        return {ours[pk]: pk for pk in users.filter(pk__in=ours).values_list("pk", flat=True)}

    def _by_field(self, wanted: set[Any]) -> dict[Any, Any]:
        theirs = self._source.users.filter(key__in=wanted, is_active=True).values_list("key", "value")
        values = {key: value for key, value in theirs if value and value.lower() not in self._ambiguous}
        users = get_user_model()._base_manager
        spelled = {one for value in values.values() for one in (value, value.lower())}
        found = users.filter(**{f"{self._field}__in": spelled}).values_list(self._field, "pk")
        here = {value.lower(): pk for value, pk in found}
        if others := {value.lower() for value in values.values()} - here.keys():
            # Comparing in lower case reads the whole table, so do this only for users whom the index did not find.
            lowered = users.annotate(lowered=Lower(self._field)).filter(lowered__in=others)
            here |= dict(lowered.values_list("lowered", "pk"))
        return {key: here[value.lower()] for key, value in values.items() if value.lower() in here}

    @cached_property
    def _ambiguous(self) -> frozenset[str]:
        """Cached, so that each table is scanned once and a batch needs only two index lookups."""
        return _repeated(self._source.users, "value") | _repeated(get_user_model()._base_manager.all(), self._field)

    @cached_property
    def _key(self) -> Any:
        key = get_user_model()._meta.pk
        assert key is not None
        return key


def _repeated(rows: Any, field: str) -> frozenset[str]:
    """The lower-cased values that more than one row has."""
    counted = rows.exclude(**{field: ""}).annotate(lowered=Lower(field)).values("lowered").annotate(times=Count("pk"))
    return frozenset(counted.filter(times__gt=1).values_list("lowered", flat=True))
