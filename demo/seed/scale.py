"""Large data for measurements: `demo_seed --scale N`.

N = 1 is a million users, clients, authorizations and refresh tokens, and 10,000 accounts with a million entries. The
data are made in blocks of a thousand users, which are the same in every run. In each block, ten users have an account
and pay each other. Each database transaction writes ten complete blocks, so an interrupted run can be continued.

Users log in as `person-0000001@scale.test` with the demo's password. The user's app is the client `scale-0000001` with
the secret `client_secret(1)` and the refresh token `refresh_token(1)`. Numbers start at 1.
"""

import random
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.models import User
from banking.accounts.opening import internal_account
from banking.ledger import bulk
from banking.models import Account
from banking.notation.iban import from_number as iban_of
from demo.seed import books
from demo.seed.alone import alone
from oauth.clients import preset
from oauth.conf import conf
from oauth.models import Authorization, Client, RefreshToken
from oauth.models.client import Kind

BLOCKS = 1000
BLOCK = 1000  # rows of each kind
ACCOUNTS = 10  # in each block, with 100 entries each
_BLOCKS_AT_ONCE = 10
_USER, _ACCOUNT, _AUTHORIZATION = 1, 2, 3  # the kinds of objects that ids belong to
_FIRST_DAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
_LOCK = 0x5CA1E


def seed(scale: float, *, password: str, now: datetime, say: Callable[[str], None]) -> int:
    """Adds the missing blocks. Returns how many it has added."""
    wanted = max(1, round(scale * BLOCKS))
    hashed = make_password(password)
    # The rows are correct by construction, so a superuser skips the checks of the database.
    is_fast = books.can_write()
    made, first = 0, _first_missing()
    for start in range(first, wanted, _BLOCKS_AT_ONCE):
        with alone(_LOCK):
            # Another run may have made some of these blocks meanwhile.
            blocks = range(max(start, _first_missing()), min(start + _BLOCKS_AT_ONCE, wanted))
            if blocks:
                with books.no_triggers() if is_fast else nullcontext():
                    _people(blocks, hashed)
                    _apps(blocks, now=now)
                _money(blocks, is_fast=is_fast)
        made += len(blocks)
        say(f"{min(start + _BLOCKS_AT_ONCE, wanted)} of {wanted} thousand")
    if made:
        _analyze()
    return made


def user_id(number: int) -> UUID:
    return _id(_USER, number)


def client_id(number: int) -> str:
    return f"scale-{number:07d}"


def client_secret(number: int) -> str:
    return f"secret of scale-{number:07d}"


def account_id(number: int) -> UUID:
    return _id(_ACCOUNT, number)


def refresh_token(number: int) -> str:
    return f"refresh token of scale-{number:07d}"


def _id(kind: int, number: int) -> UUID:
    """A UUID of version 8 (RFC 9562 §5.8) that contains the kind of object. `_SQL_ID` is the same in SQL."""
    return UUID(f"5ca1e000-000{kind}-8000-8000-{number:012x}")


_SQL_ID = "('5ca1e000-000{}-8000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_SQL_NUMBER = "to_char(n, 'FM990000000')"  # seven digits or more; `lpad` would cut off the eighth


def _first_missing() -> int:
    """The number of the first missing block. A block's users are written in the same transaction as its other rows."""
    last = User.objects.filter(pk__gte=user_id(1), pk__lte=user_id(BLOCK * 10**6)).order_by("-pk").first()
    return int(last.pk.hex[-12:], 16) // BLOCK if last else 0


def _numbers(blocks: range) -> tuple[int, int]:
    return blocks.start * BLOCK + 1, blocks.stop * BLOCK


def _people(blocks: range, hashed: str) -> None:
    user = User(pk=user_id(0), name="", password=hashed, date_joined=_FIRST_DAY)
    _multiply(
        user,
        blocks,
        id=_SQL_ID.format(_USER, "n"),
        email=f"'person-' || {_SQL_NUMBER} || '@scale.test'",
        name=f"'Person ' || {_SQL_NUMBER}",
    )
    address = EmailAddress(user=user, email="", verified=True, primary=True)
    _multiply(address, blocks, user_id=_SQL_ID.format(_USER, "n"), email=f"'person-' || {_SQL_NUMBER} || '@scale.test'")


def _apps(blocks: range, *, now: datetime) -> None:
    client = Client(
        **preset(Kind.WEB),
        client_id=client_id(0),
        redirect_uris="https://app.scale.test/callback",
        allowed_scopes=["openid", "offline_access", "accounts:read"],
    )
    _multiply(
        client,
        blocks,
        client_id=f"'scale-' || {_SQL_NUMBER}",
        name=f"'App ' || {_SQL_NUMBER}",
        secret_digest=f"sha256(('secret of scale-' || {_SQL_NUMBER})::bytea)",
    )
    authorization = Authorization(
        user_id=user_id(0),
        client=client,
        scopes=["openid", "offline_access", "accounts:read"],
        resources=[*conf.RESOURCES],
        created_at=now,
        auth_time=now,
        expires_at=now + timedelta(days=90),
    )
    _multiply(
        authorization,
        blocks,
        id=_SQL_ID.format(_AUTHORIZATION, "n"),
        user_id=_SQL_ID.format(_USER, "n"),
        client_id=f"(SELECT id FROM oauth_client WHERE client_id = 'scale-' || {_SQL_NUMBER})",  # noqa: S608 (as below)
    )
    token = RefreshToken(
        authorization_id=authorization.pk,
        scopes=authorization.scopes,
        resources=authorization.resources,
        created_at=now,
        expires_at=now + timedelta(days=90),
    )
    _multiply(
        token,
        blocks,
        authorization_id=_SQL_ID.format(_AUTHORIZATION, "n"),
        token_digest=f"sha256(('refresh token of scale-' || {_SQL_NUMBER})::bytea)",
    )


def _multiply(one: Any, blocks: range, **differing: str) -> None:
    """Inserts a copy of this row for each number.

    Some columns are given as SQL that contains the number `n`; the database fills columns that have its own default
    (serial, db_default).
    """
    values: dict[str, Any] = {}
    for field in one._meta.local_concrete_fields:
        if field.column not in differing and not field.db_returning:
            values[field.column] = field.get_db_prep_save(field.pre_save(one, add=True), connection)
    columns = [connection.ops.quote_name(name) for name in (*differing, *values)]
    selected = [*differing.values(), *["%s"] * len(values)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {one._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 (names and expressions of this file)
            f"SELECT {', '.join(selected)} FROM generate_series(%s, %s) AS n ORDER BY n",
            [*values.values(), *_numbers(blocks)],
        )


def _money(blocks: range, *, is_fast: bool) -> None:
    clearing = [internal_account("GBP", "Incoming payments", shard_by=UUID(int=shard)).pk for shard in range(8)]
    of_accounts: dict[UUID, books.Book] = {}
    accounts: list[tuple[Any, ...]] = []
    postings: list[bulk.Posting] = []
    for block in blocks:
        numbers = range(block * ACCOUNTS + 1, (block + 1) * ACCOUNTS + 1)
        ids = [_id(_ACCOUNT, number) for number in numbers]
        for place, number in enumerate(numbers):
            person = block * BLOCK + place + 1
            owner = user_id(person)
            of_accounts[ids[place]] = books.Book("GBP", f"Person {person:07d}", iban_of(number))
            kind, type = Account.Kind.CUSTOMER, Account.Type.CURRENT
            accounts.append(
                (ids[place], owner, kind, type, "Everyday", iban_of(number), "GBP", "open", 0, 0, 0, 0, _FIRST_DAY)
            )
        postings += _payments(ids, random.Random(block), clearing[block % len(clearing)])
    columns = (
        "id", "holder_id", "kind", "type", "name", "iban", "currency", "status", "overdraft_minor", "posted_minor",
        "held_minor", "last_seq", "opened_at",
    )  # fmt: skip
    bulk.copy_rows(Account, columns, accounts)
    if is_fast:
        of_bank = Account.objects.select_for_update().filter(pk__in=clearing).order_by("pk")
        of_accounts |= {account.pk: books.Book.of(account) for account in of_bank}
        with books.no_triggers():
            books.write(postings, of_accounts)
        return
    for start in range(0, len(postings), bulk.MOST_AT_ONCE):
        bulk.post_all(postings[start : start + bulk.MOST_AT_ONCE])


def _payments(ids: list[UUID], chance: random.Random, clearing: UUID) -> list[bulk.Posting]:
    """The payments of a block, with two entries each: first each account gets money, then the accounts pay each
    other.
    """
    at = _FIRST_DAY
    payments = [bulk.Posting(clearing, pk, 1_000_000, "Opening deposit", "credit_transfer", at) for pk in ids]
    while len(payments) < BLOCK // 2:
        at += timedelta(hours=chance.randrange(1, 60))
        source, destination = islice(chance.sample(ids, 2), 2)
        payments.append(bulk.Posting(source, destination, chance.randrange(100, 9_000), "Shared bill", "transfer", at))
    return payments


def _analyze() -> None:
    """Updates the planner's statistics, so that the first query does not depend on autovacuum."""
    with alone(_LOCK), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
