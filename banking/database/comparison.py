"""Comparing the rights that a role has with those that the site needs."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from banking.database.rights import (
    COLUMNS,
    EXECUTABLE,
    FUNCTIONS,
    PRIVILEGES_OF_COLUMNS,
    PRIVILEGES_OF_TABLES,
    RIGHTS_LATER,
    Right,
    tables,
    wanted,
)

_HELD = f"""
WITH col AS ({COLUMNS})
SELECT relname, privilege, attname FROM col, unnest(%(of_columns)s::text[]) AS privilege
 WHERE has_column_privilege(%(role)s, format('public.%%I', relname), attname, privilege)
UNION ALL
SELECT relname, privilege, '' FROM (SELECT DISTINCT relname FROM col) t, unnest(%(of_tables)s::text[]) AS privilege
 WHERE has_table_privilege(%(role)s, format('public.%%I', relname), privilege)"""  # noqa: S608
_EXCESS = """
SELECT 'attribute ' || a.name FROM pg_roles, LATERAL (VALUES
  ('SUPERUSER', rolsuper), ('CREATEDB', rolcreatedb), ('CREATEROLE', rolcreaterole), ('REPLICATION', rolreplication),
  ('BYPASSRLS', rolbypassrls)) AS a (name, is_set) WHERE rolname = %(role)s AND a.is_set
UNION ALL
SELECT 'membership of ' || roleid::regrole FROM pg_auth_members WHERE member = %(role)s::regrole
UNION ALL
SELECT 'ownership of ' || relname FROM pg_class WHERE relowner = %(role)s::regrole
   AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'ownership of ' || oid::regprocedure FROM pg_proc WHERE proowner = %(role)s::regrole
   AND pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'CREATE on schema public' WHERE has_schema_privilege(%(role)s, 'public', 'CREATE')
UNION ALL
SELECT p || ' on the database' FROM unnest(ARRAY['CREATE', 'TEMPORARY']) AS p
 WHERE has_database_privilege(%(role)s, current_database(), p)
UNION ALL
SELECT 'UPDATE on sequence ' || seqrelid::regclass FROM pg_sequence
 WHERE has_sequence_privilege(%(role)s, seqrelid, 'UPDATE')"""
_MISSING = """
SELECT 'attribute LOGIN' FROM pg_roles WHERE rolname = %(role)s AND NOT rolcanlogin
UNION ALL
SELECT 'CONNECT on the database' WHERE NOT has_database_privilege(%(role)s, current_database(), 'CONNECT')
UNION ALL
SELECT 'USAGE on schema public' WHERE NOT has_schema_privilege(%(role)s, 'public', 'USAGE')
UNION ALL
SELECT p || ' on sequence ' || seqrelid::regclass FROM pg_sequence, unnest(ARRAY['USAGE', 'SELECT']) AS p
 WHERE NOT has_sequence_privilege(%(role)s, seqrelid, p)"""
_CALLS = f"""
SELECT signature, is_needed, is_open_to_all, has_function_privilege(%(role)s, oid, 'EXECUTE')
  FROM ({FUNCTIONS}) AS function"""  # noqa: S608
_LATER = """
SELECT d.defaclobjtype::text, a.privilege_type FROM pg_default_acl d, aclexplode(d.defaclacl) a
 WHERE a.grantee = %(role)s::regrole AND d.defaclnamespace IN (0, 'public'::regnamespace)
   AND d.defaclrole = (SELECT relowner FROM pg_class WHERE oid = 'public.ledger_entry'::regclass)"""
_LATER_KINDS = {"r": "tables to come", "S": "sequences to come"}


def differences(role: str) -> list[str]:
    """A line for each right that the role has in excess or lacks. Includes rights through membership in other roles and
    through PUBLIC.
    """
    columns, due = tables(with_partitions=True), set(wanted())
    held, later = set(_rows(_HELD, role)), set(_rows(_LATER, role))
    calls = _rows(_CALLS, role)
    excess = [
        *(row[0] for row in _rows(_EXCESS, role)),
        *(f"EXECUTE on function {one} for everybody" for one, _, is_open_to_all, _ in calls if is_open_to_all),
        *(f"EXECUTE on function {one}" for one, is_needed, _, may_call in calls if may_call and not is_needed),
        *_in_words(held - due, columns),
        *(f"{privilege} on {_LATER_KINDS.get(kind, kind)}" for kind, privilege in sorted(later - RIGHTS_LATER)),
    ]
    missing = [
        *(row[0] for row in _rows(_MISSING, role)),
        *(f"EXECUTE on function {one}" for one, is_needed, _, may_call in calls if is_needed and not may_call),
        *_in_words(due - held, columns),
        *(f"{privilege} on {_LATER_KINDS[kind]}" for kind, privilege in sorted(RIGHTS_LATER - later)),
    ]
    return [*(f"excess: {one}" for one in excess), *(f"missing: {one}" for one in missing)]


def _rows(query: str, role: str) -> list[tuple[Any, ...]]:
    parameters: dict[str, Any] = {
        "role": role,
        "of_columns": list(PRIVILEGES_OF_COLUMNS),
        "of_tables": list(PRIVILEGES_OF_TABLES),
        "executable": list(EXECUTABLE),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _in_words(rights: Iterable[Right], columns: dict[str, list[str]]) -> list[str]:
    """A phrase for each table and privilege, with the columns unless it is all of them."""
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for table, privilege, column in sorted(rights):
        grouped[table, privilege].append(column)
    return [
        f"{privilege} on {table}"
        if some == [""] or len(some) == len(columns[table])
        else f"{privilege} ({', '.join(some)}) on {table}"
        for (table, privilege), some in grouped.items()
    ]
