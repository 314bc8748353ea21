"""The rooms of docs/architecture.md: import-linter enforces their order, and the document names each of them."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES = CONTRACTS["root_packages"]

# file -> what is planted at its end, and a line of the report that names it
BREACHES = {
    "oauth/models/scope.py": ("from oauth.grants import issuance", "oauth.models.scope -> oauth.grants.issuance"),
    "oauth/resource_server/jwks.py": ("from oauth.models import Client", "oauth.resource_server.jwks -> oauth.models"),
    "banking/apps.py": ("from accounts import models", "banking.apps -> accounts.models"),
    "oauth/keys/ring.py": ("from oauth.conf import conf", "oauth.keys.ring -> oauth.conf"),
    "oauth/drawer/__init__.py": ("", "oauth.drawer"),
}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*command, "--no-cache"], cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path):
    for package in (name.replace(".", "/") for name in PACKAGES):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "*.po")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_planted_breaches_are_reported(repository):
    for name, (line, _) in BREACHES.items():
        file = repository / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}\n{line}\n")
    report = lint(repository)
    assert report.returncode == 1
    for _, expected in BREACHES.values():
        assert expected in report.stdout


def test_every_room_of_an_app_has_a_place_in_a_contract():
    """Without `exhaustive`, a new package could import anything."""
    exhaustive = {
        container
        for contract in CONTRACTS["contracts"]
        if contract.get("exhaustive")
        for container in contract["containers"]
    }
    assert exhaustive == {"oauth", "banking", "accounts", "config"}


@pytest.mark.parametrize("package", ["oauth", "accounts", "banking", "config"])
def test_the_document_names_every_room(package):
    rooms = {folder.parent.name for folder in (ROOT / package).glob("*/__init__.py")} - {
        "migrations",
        "management",
        "templatetags",
    }
    document = (ROOT / "docs/architecture.md").read_text()
    named = set(re.findall(rf"`{package}/(\w+)/`", document))
    assert named == rooms


def test_only_one_module_sends_emails():
    """The one module that sends emails sends none to an address that cannot exist (RFC 6761 §6.4). The adapter of
    allauth checks this, too.
    """
    senders = [
        str(file.relative_to(ROOT))
        for package in ("accounts", "banking", "config", "oauth")
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"from django\.core(\.mail)? import .*\b(mail|send_mail|Email\w+)\b", file.read_text())
    ]
    assert senders == ["oauth/infrastructure/emails.py"]
