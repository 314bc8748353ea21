"""A refresh token (RFC 6749 §6) and its place in the family of an Authorization."""

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
    """`superseded_at` and `replaces` record rotation. Change a row only under the lock of its authorization.

    A superseded row is deleted when its successor is rotated after the retry window; `of_family` returns the remaining
    rows.
    """

    token_digest = DigestField()
    # Empty if the token has another form: it is of an earlier release or of another server. Then its row stays.
    family_digest = models.BinaryField(max_length=32, null=True, editable=False)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # RFC 9449 §5: a public client's token is bound to its key, `{"jkt": ...}`; then it need not be rotated.
    confirmation = models.JSONField(default=dict, blank=True)
    generation = models.PositiveIntegerField(default=0)
    # No constraint and no index: the row may be gone, and nothing looks for successors.
    replaces = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="successors", db_constraint=False, db_index=False
    )
    # The id of the token that was used twice within the retry window; set as long as several branches may continue.
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
        """The row of the token, whatever its state, with authorization, user and client. None if it is gone, or was
        never issued here."""
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
        """The newest token of the family of a superseded `token` whose own row is gone, with authorization, user and
        client. None if it was never issued here."""
        family = FamilySecret.read(token)
        if family is None:
            return None
        tokens = cls.objects.select_related("authorization__user", "authorization__client")
        theirs = tokens.filter(authorization_id=family.authorization_id, family_digest=family.digest)
        return theirs.order_by("-id").first()


@cache
def _statement() -> tuple[tuple[Columns[Any], ...], str]:
    """Made at first use, when Django knows all models. The statement is prepared, because PostgreSQL takes longer to
    plan it than to run it: the planner reads the ends of six indexes.
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
