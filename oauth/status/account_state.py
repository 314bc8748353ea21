"""Whether the user model stores in a column which users are active. A custom model may have no such column, because
`AbstractBaseUser.is_active` is not a field.
"""

from functools import cache

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from oauth.models import Authorization

COLUMN = ("is_active",)


@cache
def is_stored() -> bool:
    return any(field.attname in COLUMN for field in get_user_model()._meta.concrete_fields)


def of_inactive_users(authorizations: QuerySet[Authorization]) -> QuerySet[Authorization]:
    """Returns none if there is no such column: then the project calls `end_access` when it deactivates a user."""
    return authorizations.filter(user__is_active=False) if is_stored() else authorizations.none()
