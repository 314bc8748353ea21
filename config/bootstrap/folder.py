"""The folder of secrets and settings, in the form that the units of deploy/systemd read. Must not import Django.

    <folder>/secrets/<name>   one secret each, mode 0600
    <folder>/environment      variables that are not secret: NAME=value
    <folder>/site.sh          sets both in a shell, with the database role of the site
    <folder>/owner.sh         the same with the owner of the tables, for `migrate`

Existing files are never changed.
"""

import base64
import os
import secrets
import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from config.bootstrap import options

_MADE: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(64),
    "key_encryption_keys": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),  # Fernet's format
    "pairwise_subject_key": lambda: secrets.token_urlsafe(32),
    "proxy_secrets": lambda: secrets.token_urlsafe(32),
    "site_password": lambda: secrets.token_urlsafe(32),
}
_GIVEN = {
    "owner_database_url": ("DATABASE_URL", "postgresql://countersign:PASSWORD@localhost:5432/countersign"),
    "email_url": ("EMAIL_URL", "smtp+tls://USER:PASSWORD@HOST:587"),
}
#: The variables of the site, and the secrets that hold them.
_SITE = {
    "SECRET_KEY": "secret_key",
    "KEY_ENCRYPTION_KEYS": "key_encryption_keys",
    "PAIRWISE_SUBJECT_KEY": "pairwise_subject_key",
    "PROXY_SECRETS": "proxy_secrets",
    "EMAIL_URL": "email_url",
    "DATABASE_URL": "database_url",
}
_OWNER = {**_SITE, "DATABASE_URL": "owner_database_url"}


def prepare(arguments: list[str]) -> None:
    """Completes the folder and os.environ, so that the settings load as the owner of the tables. Exits with a message
    that names what is missing.
    """
    parser = ArgumentParser("manage.py bootstrap", description=options.HELP, allow_abbrev=False)
    options.add(parser)
    if {"-h", "--help"} & set(arguments):
        parser.parse_args(["--help"])
    given, _others_of_django = parser.parse_known_args(arguments)
    folder = Path(given.folder).absolute()
    try:
        _make(folder)
        _complete(folder, issuer=given.issuer, role=given.role)
    except OSError as error:
        sys.exit(
            f"{error.filename or folder}: {error.strerror}. Run this as a user who may write there, or name a folder."
        )
    _set(folder)


def client_secret_file(folder: Path, client_id: str) -> Path:
    return folder / "secrets" / f"client_secret_of_{client_id}"


def write(file: Path, content: str) -> None:
    """Creates a file that only its owner can read. Raises FileExistsError."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(content)


def _make(folder: Path) -> None:
    # Other users may read `environment`, but may not enter the folder of the secrets.
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)


def _complete(folder: Path, *, issuer: str | None, role: str) -> None:
    issuer = _issuer(folder, issuer)
    missing = [problem for name in _GIVEN if (problem := _take(folder, name))]
    if missing or issuer is None:
        without = ["--issuer https://your.host: the origin that clients see"] if issuer is None else []
        sys.exit(
            "\n".join(["Nothing was changed in the database. Missing:", *(f"  {one}" for one in without + missing)])
        )
    for name, make in _MADE.items():
        _put(folder / "secrets" / name, make)
    owner = _read(folder, "owner_database_url")
    _put(folder / "secrets" / "database_url", lambda: _url_of(role, _read(folder, "site_password"), owner))
    _put(folder / "environment", lambda: f"OAUTH_ISSUER={issuer}\n")
    _put(folder / "site.sh", lambda: _shell(folder, _SITE))
    _put(folder / "owner.sh", lambda: _shell(folder, _OWNER, STATEMENT_TIMEOUT="0"))


def _issuer(folder: Path, given: str | None) -> str | None:
    kept = _environment(folder).get("OAUTH_ISSUER")
    if kept and given and kept != given:
        sys.exit(
            f"{folder / 'environment'} says OAUTH_ISSUER={kept}. A site keeps its issuer: leave --issuer out, or name "
            "another folder and another database."
        )
    return kept or given or os.environ.get("OAUTH_ISSUER")


def _take(folder: Path, name: str) -> str:
    """Stores the secret `name` from the environment, unless it is stored already. If it is missing, returns a text that
    says how to provide it, otherwise an empty text.
    """
    variable, example = _GIVEN[name]
    file = folder / "secrets" / name
    if file.exists():
        return ""
    if source := os.environ.get(f"{variable}_FILE"):
        value = Path(source).read_text().rstrip("\r\n")
    else:
        value = os.environ.get(variable, "")
    if not value:
        return f"{file} with a value like {example}, or {variable} or {variable}_FILE in the environment"
    _put(file, lambda: value)
    return ""


def _put(file: Path, make: Callable[[], str]) -> None:
    try:
        write(file, make())
    except FileExistsError:
        _say(f"kept {file}")
    else:
        _say(f"made {file}")


def _url_of(role: str, password: str, owner: str) -> str:
    """The URL of the same database as `owner`, for another role."""
    parts = urlsplit(owner)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{password}@{host}").geturl()


def _shell(folder: Path, variables: dict[str, str], **values: str) -> str:
    files = [f"{name}_FILE={shlex.quote(str(folder / 'secrets' / file))}" for name, file in variables.items()]
    here = shlex.quote(str(folder / "environment"))
    plain = [f"{name}={value}" for name, value in {"MODE": "production", **values}.items()]
    return "\n".join(["# For a shell: . this file", "set -a", *plain, f". {here}", *files, "set +a", ""])


def _set(folder: Path) -> None:
    os.environ.setdefault("MODE", "production")
    os.environ.update(_environment(folder), STATEMENT_TIMEOUT="0")
    for variable, name in _OWNER.items():
        os.environ.pop(variable, None)
        os.environ[f"{variable}_FILE"] = str(folder / "secrets" / name)


def _environment(folder: Path) -> dict[str, str]:
    file = folder / "environment"
    if not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, _, value in pairs}


def _read(folder: Path, name: str) -> str:
    return (folder / "secrets" / name).read_text().rstrip("\r\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
