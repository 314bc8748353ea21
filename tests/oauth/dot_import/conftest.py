"""DOT's tables in their own schema, with rows that the tests insert. `tests/flows/test_from_dot.py` fills them with
DOT's own code.
"""

import hashlib
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from oauth.dot_import import Mapping, Options, Source

SECRET = "the secret that django-oauth-toolkit made for this client"
SCOPES = {"read": ("accounts:read",), "write": ("transfers:write",), "openid": ("openid",)}


class OldServer:
    """Rows as DOT 3.4 writes them."""

    def __init__(self, source: Source) -> None:
        self.source, self._ids = source, itertools.count(1)
        self._keys: dict[Any, int] = {}

    def user(self, email: str, **fields: Any) -> Any:
        key = next(self._ids)
        return self.source.users.create(key=key, value=email, is_active=fields.pop("is_active", True))

    def application(self, **fields: Any) -> Any:
        pk = next(self._ids)
        given = {
            "id": pk, "client_id": f"an-old-client-{pk}", "redirect_uris": "https://app.example/callback",
            "post_logout_redirect_uris": "", "client_type": "confidential",
            "authorization_grant_type": "authorization-code", "client_secret": hashed(SECRET),
            "hash_client_secret": True, "name": "Old app", "skip_authorization": False, "algorithm": "",
            "allowed_origins": "", "registration_source": "manual", "created": ago(days=400), "updated": ago(days=400),
            **fields,
        }  # fmt: skip
        return self.source.applications.create(**given)

    def access_token(self, token: str, application: Any, user: Any = None, **fields: Any) -> Any:
        given = {
            "id": next(self._ids), "user_id": user.key if user else None, "application_id": application.pk,
            "token_checksum": checksum(token), "scope": "read", "resource": [], "created": ago(hours=1),
            "expires": ago(hours=-9), **fields,
        }  # fmt: skip
        return self.source.access_tokens.create(**given)

    def refresh_token(self, token: str, application: Any, user: Any, **fields: Any) -> Any:
        """Inserts a refresh token. A live one has an access token; pass `access_token` to choose it."""
        revoked = fields.get("revoked")
        if "access_token" not in fields and revoked is None:
            fields["access_token"] = self.access_token(f"access of {token}", application, user)
        given = {
            "id": next(self._ids), "user_id": user.key, "application_id": application.pk,
            "token_checksum": checksum(token), "token_family": None, "created": ago(hours=1),
            "updated": ago(hours=1), "revoked": None, **fields,
        }  # fmt: skip
        return self.source.refresh_tokens.create(**given)


def ago(**given: float) -> Any:
    return timezone.now() - timedelta(**given)


def checksum(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def hashed(secret: str) -> str:
    """Returns the secret, hashed like DOT's default but with fewer iterations."""
    return PBKDF2PasswordHasher().encode(secret, "salt", iterations=10)


@pytest.fixture
def source(db: None) -> Source:
    source = Source(schema="dot", user_field="email")
    tables = source.tables
    with connection.schema_editor() as editor:
        editor.execute("CREATE SCHEMA dot")
        for model in (tables.users, tables.applications, tables.access_tokens, tables.refresh_tokens):
            editor.create_model(model)
    return source


@pytest.fixture
def old(source: Source) -> OldServer:
    return OldServer(source)


@pytest.fixture
def options() -> Options:
    return Options(Mapping(SCOPES), match_users="email")


@pytest.fixture
def mapping_file(tmp_path: Any) -> str:
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps({"scopes": SCOPES}))
    return str(file)


@pytest.fixture
def command(source: Source, mapping_file: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """`manage.py import_from_dot`; returns its report."""

    def run(*arguments: str) -> dict[str, Any]:
        call_command(
            "import_from_dot", "--schema", "dot", "--match-users", "email", "--mapping", mapping_file, "--json",
            *arguments,
        )  # fmt: skip
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return report

    return run
