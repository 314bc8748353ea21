"""Staff must not change a user who has permissions that they lack, nor give such permissions to anybody (ASVS 5.0
8.2.1, 8.3.1; least privilege).

Django checks only `change_user`. With that permission, staff could become superuser or set a superuser's password.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from oauth.infrastructure.generic import ModelAdmin

# The Django apps that store emails, second factors, connections and browsers of users.
_LOGIN_APPS = frozenset({"accounts", "account", "mfa", "socialaccount", "usersessions"})


def rights_of(user: Any) -> set[int]:
    """The primary keys of the permissions of `user`. An inactive user keeps them for a reactivation."""
    held = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return set(held.values_list("pk", flat=True))


def may_touch(actor: Any, user: Any) -> bool:
    if actor.is_superuser or actor.pk == user.pk:
        return True
    return not user.is_superuser and rights_of(user) <= rights_of(actor)


def may_give(actor: Any, permissions: Iterable[int]) -> bool:
    return bool(actor.is_superuser) or set(permissions) <= rights_of(actor)


class _Respecting(ModelAdmin[Any]):
    """Checks each object. Django calls these methods also for each row that an action or a cascade would delete."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj: Any) -> bool:
        raise NotImplementedError


class OfAUser(_Respecting):
    """For users and for rows of their login methods."""

    def _may_touch(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or may_touch(request.user, obj if isinstance(obj, User) else obj.user)


class Rights(_Respecting):
    """For users and groups, whose fields and related rows give permissions."""

    def _may_touch(self, request: HttpRequest, obj: Any) -> bool:
        if not isinstance(obj, Group):
            return True
        return may_give(request.user, obj.permissions.values_list("pk", flat=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "is_superuser") if self.model is User and not request.user.is_superuser else fields

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and not request.user.is_superuser:
            field.queryset = _theirs_to_give(field.queryset, request.user)
        return field


def _theirs_to_give(choices: QuerySet[Any], actor: Any) -> QuerySet[Any]:
    held = rights_of(actor)
    if choices.model is Permission:
        return choices.filter(pk__in=held)
    if choices.model is Group:
        beyond = Permission.objects.exclude(pk__in=held)
        return choices.exclude(pk__in=Group.objects.filter(permissions__in=beyond).values("pk"))
    return choices


def respecting(model: type[Model], admin_class: type[ModelAdmin[Any]]) -> type[ModelAdmin[Any]]:
    """`admin_class` with the checks for its model as additional base classes."""
    bases: list[type] = []
    if model is User or (model._meta.app_label in _LOGIN_APPS and any(f.name == "user" for f in model._meta.fields)):
        bases.append(OfAUser)
    if model in (User, Group):
        bases.append(Rights)
    bases = [base for base in bases if not issubclass(admin_class, base)]
    if not bases:
        return admin_class
    metaclass: Any = type(admin_class)
    made: type[ModelAdmin[Any]] = metaclass(
        admin_class.__name__, (*bases, admin_class), {"__module__": admin_class.__module__}
    )
    return made
