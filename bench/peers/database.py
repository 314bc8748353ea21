"""A PostgreSQL for a server that connects over TCP, with the same program and settings as for all others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import servers
from bench.peers import SECRET
from bench.servers import Database
from demo import postgres

# The functions of each extension that the servers call, written with PostgreSQL's built-in functions.
_EXTENSIONS = {
    "uuid-ossp": "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()';",
    "pgcrypto": """
CREATE FUNCTION digest(bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$SELECT CASE $2 WHEN 'sha256' THEN sha256($1) END$$;
CREATE FUNCTION digest(text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$SELECT digest(convert_to($1, 'UTF8'), $2)$$;
""",
}


@contextmanager
def over_tcp(directory: Path, name: str) -> Iterator[tuple[Database, str]]:
    """Creates the database `name` and the role `name` with the password SECRET. Yields the database and
    `127.0.0.1:port/name`.
    """
    port = servers.free_port()
    with postgres.running(directory / "postgres", tcp_port=port) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone():
                role = sql.Identifier(name)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(SECRET)))
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
                _stand_ins(connection, directory / "extensions")
        yield Database.at(directory, url), f"127.0.0.1:{port}/{name}"


def _stand_ins(connection: psycopg.Connection[Any], directory: Path) -> None:
    """Replaces extensions that the embedded PostgreSQL lacks, because migrations of these servers need them."""
    (directory / "extension").mkdir(parents=True)
    for name, functions in _EXTENSIONS.items():
        (directory / f"extension/{name}.control").write_text("default_version = '1'\ntrusted = true\n")
        (directory / f"extension/{name}--1.sql").write_text(functions)
    searched = sql.Literal(f"{directory}:$system")
    connection.execute(sql.SQL("ALTER SYSTEM SET extension_control_path = {}").format(searched))
    connection.execute("SELECT pg_reload_conf()")
