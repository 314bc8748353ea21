"""A refresh token (RFC 6749 §6)."""

from functools import cache
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.fast_path.model_rows import Columns, source
from oauth.infrastructure.rows import rows
from oauth.models.authorization import Authorization
from oauth.models.client import Client
from oauth.models.family_secret import FamilySecret
from oauth.models.secret import DigestField, digest


class RefreshToken(models.Model):
    """`superseded_at` and `replaces` record rotation. Lock the authorization before you change a row.

    A superseded row is deleted when its successor is rotated after the retry window; `of_family` then finds the family.
    """

    token_digest = DigestField()
    # Empty for a token of an earlier release or of another server, whose row is not deleted when it is superseded.
    family_digest = models.BinaryField(max_length=32, null=True, editable=False)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # RFC 9449 §5: the key to which a public client's token is bound, `{"jkt": ...}`. Such a token need not be rotated.
    confirmation = models.JSONField(default=dict, blank=True)
    generation = models.PositiveIntegerField(default=0)
    # No constraint and no index: the row may have been deleted, and no query searches for successors.
    replaces = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="successors", db_constraint=False, db_index=False
    )
    # The ID of the token that was used twice within the retry window; set while the family has several branches.
    fork = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"

    @classmethod
    def by_token(cls, token: str) -> "RefreshToken | None":
        """The row of the token in any state, with authorization, user and client. None if it was deleted or never
        existed.
        """
        tables, statement = _statement()
        found = rows(statement, [digest(token)])
        if not found:
            return None
        values = iter(found[0])
        held: RefreshToken
        held, authorization, user, client = (
            columns.instance(list(islice(values, columns.count))) for columns in tables
        )
        authorization.user, authorization.client = user, client
        held.authorization = authorization
        return held

    @classmethod
    def of_family(cls, token: str) -> "RefreshToken | None":
        """The newest token of the family of `token`, whose own row was deleted, with authorization, user and client.
        None if the family is unknown.
        """
        family = FamilySecret.read(token)
        if family is None:
            return None
        tokens = cls.objects.select_related("authorization__user", "authorization__client")
        theirs = tokens.filter(authorization_id=family.authorization_id, family_digest=family.digest)
        return theirs.order_by("-id").first()


@cache
def _statement() -> tuple[tuple[Columns[Any], ...], str]:
    """Built at first use, when Django has loaded all models. Run it as a prepared statement, because planning takes
    longer than execution: the planner reads the ends of six indexes.
    """
    user = get_user_model()
    assert user._meta.pk is not None
    named: dict[str, Any] = {"held": RefreshToken, "given": Authorization, "user_": user, "client": Client}
    tables = tuple(Columns[Any](model, alias) for alias, model in named.items())
    return tables, (
        f"SELECT {', '.join(columns.sql for columns in tables)} "  # noqa: S608 (names of tables and columns)
        f"FROM {RefreshToken._meta.db_table} held "
        f"JOIN {Authorization._meta.db_table} given ON given.id = held.authorization_id "
        f'JOIN {source(user, "user_")} ON user_."{user._meta.pk.column}" = given.user_id '
        f"JOIN {Client._meta.db_table} client ON client.id = given.client_id "
        "WHERE held.token_digest = %s"
    )
