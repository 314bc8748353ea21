"""`python -m bench.import_from_dot [ROWS [import]]`: the time and memory that an import of a million rows takes.

Run it with the settings of an empty database. It creates DOT's tables in a schema `dot`, imports them, and deletes
nothing at the end. A third of the rows are refresh tokens that DOT would refresh, a third are tokens that it had
replaced, and a third are access tokens. `import` leaves the dry run out.
"""

import resource
import sys
import time

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402

from oauth.dot_import import Mapping, Options, Source, run  # noqa: E402

USERS, APPLICATIONS = 1000, 20
FILL = """
INSERT INTO dot.oauth2_provider_application
SELECT n, 'bench-' || n, NULL, 'https://app.example/callback', '', 'confidential', 'authorization-code',
       'pbkdf2_sha256$1000000$salt$hash', true, 'Bench', false, now(), now(), '', '', 'manual'
  FROM generate_series(1, %(applications)s) n;
INSERT INTO dot.oauth2_provider_accesstoken
SELECT n, (%(users)s)[1 + n %% %(count)s], 1 + n %% %(applications)s,
       encode(sha256(('access' || n)::bytea), 'hex'), 'read', '[]', now(), now() + interval '9 hours'
  FROM generate_series(1, %(tokens)s) n;
INSERT INTO dot.oauth2_provider_refreshtoken
SELECT n, (%(users)s)[1 + n %% %(count)s], 1 + n %% %(applications)s, n,
       encode(sha256(('refresh' || n)::bytea), 'hex'), md5('family' || n)::uuid, now(), now(), NULL
  FROM generate_series(1, %(tokens)s) n;
INSERT INTO dot.oauth2_provider_refreshtoken
SELECT %(tokens)s + n, (%(users)s)[1 + n %% %(count)s], 1 + n %% %(applications)s, NULL,
       encode(sha256(('replaced' || n)::bytea), 'hex'), md5('family' || n)::uuid, now(), now(), now()
  FROM generate_series(1, %(tokens)s) n;
CREATE INDEX ON dot.oauth2_provider_accesstoken (application_id);
CREATE INDEX ON dot.oauth2_provider_refreshtoken (access_token_id);
ANALYZE dot.oauth2_provider_accesstoken, dot.oauth2_provider_refreshtoken;
"""


def fill(source: Source, tokens: int) -> None:
    user = get_user_model()
    user.objects.bulk_create([user(email=f"bench-{n}@example.test") for n in range(USERS)])
    keys = list(user.objects.filter(email__startswith="bench-").values_list("pk", flat=True))
    tables = source.tables
    with connection.schema_editor() as editor:
        editor.execute("CREATE SCHEMA dot")
        for model in (tables.applications, tables.access_tokens, tables.refresh_tokens):
            _use_type_of_user(model)
            editor.create_model(model)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(
                    statement, {"users": keys, "count": len(keys), "applications": APPLICATIONS, "tokens": tokens}
                )


def _use_type_of_user(model: object) -> None:
    key = get_user_model()._meta.pk
    for field in model._meta.fields:  # type: ignore[attr-defined]
        if field.name == "user_id":
            field.get_internal_type = lambda: key.get_internal_type()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    source = Source(schema="dot")
    fill(source, rows // 3)
    options = Options(Mapping({"read": ("accounts:read",)}))
    for is_dry_run in (False,) if "import" in sys.argv[2:] else (True, False):
        began, memory = time.monotonic(), _peak_mib()
        report = run(source, options, is_dry_run=is_dry_run)
        seconds = time.monotonic() - began
        name = "dry run" if is_dry_run else "import"
        print(f"{name}: {rows:,} rows in {seconds:.0f} s, {rows / seconds:,.0f} rows/s, "
              f"memory {memory:.0f} -> {_peak_mib():.0f} MiB")  # fmt: skip
        for what, count in sorted(report.counts.items()):
            print(f"  {what}: {count:,}")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


main()
