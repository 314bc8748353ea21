"""DOT's tables as unmanaged models, which Django can read from any database and schema.

The columns are those of django-oauth-toolkit 3.4, except `token`, because an import never reads plaintext tokens.
"""

from dataclasses import dataclass
from typing import Any

from django.apps.registry import Apps
from django.db import models


class _Raw(models.Field):  # type: ignore[type-arg]  # takes parameters in the stubs only
    """A value as the database driver returns it, because a user's primary key may have any type."""

    def get_internal_type(self) -> str:
        return "BigIntegerField"  # tests create these tables

    def get_prep_value(self, value: Any) -> Any:
        return value


@dataclass(frozen=True)
class Names:
    """The tables of DOT's models, or of the models that the old project has in their place. Each is a name, or
    schema.name if the table is not in the schema of the others.
    """

    applications: str = "oauth2_provider_application"
    access_tokens: str = "oauth2_provider_accesstoken"
    refresh_tokens: str = "oauth2_provider_refreshtoken"


class Tables:
    """`schema` is a PostgreSQL schema; empty means the default one. `user_key` and `user_field` are columns."""

    def __init__(self, names: Names, *, schema: str, user_table: str, user_key: str, user_field: str) -> None:
        self._schema, self._apps = schema, Apps()
        self.applications = self._model(names.applications, {
            "id": models.BigIntegerField(primary_key=True),
            "client_id": models.CharField(max_length=255),
            "user_id": _Raw(null=True),
            "redirect_uris": models.TextField(),
            "post_logout_redirect_uris": models.TextField(),
            "client_type": models.CharField(max_length=32),
            "authorization_grant_type": models.CharField(max_length=44),
            "client_secret": models.CharField(max_length=255),
            "hash_client_secret": models.BooleanField(),
            "name": models.CharField(max_length=255),
            "skip_authorization": models.BooleanField(),
            "created": models.DateTimeField(),
            "updated": models.DateTimeField(),
            "algorithm": models.CharField(max_length=5),
            "allowed_origins": models.TextField(),
            "registration_source": models.CharField(max_length=32),
        })  # fmt: skip
        self.access_tokens = self._model(names.access_tokens, {
            "id": models.BigIntegerField(primary_key=True),
            "user_id": _Raw(null=True),
            "application_id": models.BigIntegerField(null=True),
            "token_checksum": models.CharField(max_length=64),
            "scope": models.TextField(),
            "resource": models.JSONField(),
            "created": models.DateTimeField(),
            "expires": models.DateTimeField(),
        })  # fmt: skip
        self.refresh_tokens = self._model(names.refresh_tokens, {
            "id": models.BigIntegerField(primary_key=True),
            "user_id": _Raw(),
            "application_id": models.BigIntegerField(),
            "access_token": models.ForeignKey(
                self.access_tokens, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
            ),
            "token_checksum": models.CharField(max_length=64),
            "token_family": models.UUIDField(null=True),
            "created": models.DateTimeField(),
            "updated": models.DateTimeField(),
            "revoked": models.DateTimeField(null=True),
        })  # fmt: skip
        self.users = self._model(user_table, {
            "key": _Raw(primary_key=True, db_column=user_key),
            "value": models.TextField(db_column=user_field),
            "is_active": models.BooleanField(),
        })  # fmt: skip

    def _model(self, table: str, fields: dict[str, Any]) -> Any:
        # Django does not quote a name that is already quoted.
        schema, _, table = table.rpartition(".")
        schema = schema or self._schema
        name = f'"{schema}"."{table}"' if schema else table
        meta = {"apps": self._apps, "app_label": "dot", "managed": False, "db_table": name}
        return type(f"Dot_{table}", (models.Model,), {"Meta": type("Meta", (), meta), "__module__": __name__, **fields})
