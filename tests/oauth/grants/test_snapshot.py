"""Reading a code or a refresh token with its authorization costs the same, however many authorizations the client has."""

from copy import copy
from functools import partial
from itertools import count
from uuid import uuid4

import pytest
from django.db import connection

from oauth.grants import authorization_code, refresh_token
from oauth.models import Authorization, Client

pytestmark = pytest.mark.django_db
OTHERS, OF_THE_CLIENT = 300, 2000


def copies(row, number, **fields):
    made = [copy(row) for _ in range(number)]
    for one in made:
        one.pk, one._state = None, copy(one._state)
        one._state.adding = True
        for name, value in fields.items():
            setattr(one, name, value())
    return made


@pytest.fixture
def many(alice, web_app, issued):
    """Many clients with one authorization each, as PostgreSQL's statistics say, and then one with thousands."""
    issued(web_app)
    authorization = Authorization.objects.get()
    free = partial(next, count(10_000))
    others = copies(web_app, OTHERS, client_id=lambda: f"other-{uuid4().hex}", status_index=free)
    Client.objects.bulk_create(others)
    rows = copies(authorization, OTHERS, id=uuid4, status_index=free)
    for row, client in zip(rows, others, strict=True):
        row.client = client
    Authorization.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE oauth_authorization")
    Authorization.objects.bulk_create(copies(authorization, OF_THE_CLIENT, id=uuid4, status_index=free))
    return authorization


@pytest.mark.parametrize("module", [authorization_code, refresh_token])
def test_no_index_of_clients_is_searched(many, module):
    statement = module.grant._snapshot._tables.statement
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}", [b"x" * 32, many.client_id])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "on oauth_authorization" in plan
    assert "authorization_client" not in plan, plan
