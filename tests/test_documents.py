"""The documents agree with the code: names, commands, variables, settings, defaults, limits, checks and counts."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import global_settings, settings

from config import shared_cache
from config.database import watch
from config.server import admission, bodies, heartbeats, listener, serving, streams
from oauth.authorize import backchannel_request
from oauth.clients import cache
from oauth.conf import Conf
from oauth.keys import ring
from oauth.operations import cleanup
from oauth.pages import device
from oauth.resource_server.jwks import SEARCH_AFTER_SECONDS
from oauth.tokens import jwks
from tests.lib.document_tables import table
from tests.mutants import document
from tests.mutants.mutant import Mutant, read

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("oauth/**/*.md")])
OPERATING = (ROOT / "docs/operating.md").read_text()
ADOPTING = (ROOT / "docs/adopting.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()

PACKAGES = ("accounts", "banking", "config", "oauth")
ROOMS = tuple(
    f"{name}/" for name in (*PACKAGES, ".ci", "bench", "demo", "deploy", "docs", "locale", "templates", "tests")
)
TESTS = set(re.findall(r"def (test_\w+)", "".join(file.read_text() for file in ROOT.glob("tests/**/test_*.py"))))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
COMMANDS = {file.stem: file for file in ROOT.glob("*/management/commands/[a-z]*.py")}
COMMANDS_OF_OTHERS = {
    "changepassword", "check", "collectstatic", "createcachetable", "createsuperuser", "dumpdata", "makemigrations", "migrate",
    "procrastinate", "runserver", "shell",
}  # fmt: skip
FLAGS_OF_DJANGO = {"--database", "--deploy", "--noinput", "--fake", "--help"}
NAMES_OF_OTHERS = {
    "KEY_ENCRYPTION_KEY",
    "SSL_CERT_FILE",
    "THE_SECRET",
    "CREATE_ROLE",
    "ON_ERROR_STOP",
    "OWNER_PASSWORD",
    "SOCIALACCOUNT_PROVIDERS",
    "SOCIAL_AUTH_OIDC_USE_PKCE",
    "JWK_URL",
    "JWT_ALGORITHMS",
    "OIDC_CLAIMS_OPTIONS",
    "RESOURCE_SERVER_INTROSPECTION_URL",
    "TOKEN_TYPE_CLAIM",
    "USER_ID_CLAIM",
}
CODE = "\n".join(
    file.read_text()
    for file in (*ROOT.glob("[a-z]*/**/*.py"), *ROOT.glob(".ci/*"), ROOT / "Makefile")
    if file.is_file()
)
WORDS = set(re.findall(r"\w+", CODE.lower()))
SECTIONS_OF_THE_CHANGELOG = {"Breaking", "Security", "Added", "Changed", "Deprecated", "Removed", "Fixed"}


# --- what is named exists


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
class TestWhatIsNamed:
    def test_tests_exist(self, file: Path) -> None:
        named = set(re.findall(r"`(test_\w+)`", file.read_text()))
        assert named <= TESTS

    def test_files_exist(self, file: Path) -> None:
        named = re.findall(r"`([^`\s]+)`", file.read_text())
        paths = {name.partition("::")[0] for name in named if name.startswith(ROOMS) and not set("*<{") & set(name)}
        assert not {path for path in paths if not (ROOT / path).exists()}

    def test_links_lead_somewhere(self, file: Path) -> None:
        for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
            path, _, anchor = target.partition("#")
            if not path.startswith(("https://", "http://")):
                linked = (file.parent / path) if path else file
                assert linked.exists(), target
                assert not anchor or anchor in _anchors(linked), target

    def test_commands_and_their_flags_exist(self, file: Path) -> None:
        for span in _code_spans(file.read_text()):
            for name in re.findall(r"manage\.py (\w+)", span):
                assert name in COMMANDS or name in COMMANDS_OF_OTHERS, span
            for name in set(span.split()) & set(COMMANDS):
                known = set(re.findall(r'"(--[\w-]+)"', COMMANDS[name].read_text())) | FLAGS_OF_DJANGO
                assert set(re.findall(r"(?<!\S)--[a-z-]+", span)) <= known | _generated_flags(name), span

    def test_settings_and_variables_exist(self, file: Path) -> None:
        if file.name != "CHANGELOG.md":  # names of earlier versions, too
            named = {
                name for span in _code_spans(file.read_text()) for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", span)
            }
            assert not {name for name in named - NAMES_OF_OTHERS - {*dir(global_settings)} if name.lower() not in WORDS}

    def test_dotted_paths_lead_somewhere(self, file: Path) -> None:
        if file.name != "CHANGELOG.md":
            named = re.findall(r"[`\"]((?:oauth|accounts|banking|config|demo)(?:\.\w+)+)", file.read_text())
            assert not {name for name in set(named) - _permissions() if not _leads_somewhere(name)}

    def test_make_targets_exist(self, file: Path) -> None:
        named = {target for span in _code_spans(file.read_text()) for target in re.findall(r"^make ([a-z-]+)", span)}
        assert named <= TARGETS


def _permissions() -> set[str]:
    models = apps.get_models()
    custom = {f"{model._meta.app_label}.{name}" for model in models for name, _ in model._meta.permissions}
    return custom | {f"{model._meta.app_label}.view_{model._meta.model_name}" for model in models}


def _leads_somewhere(path: str) -> bool:
    """Whether the path names a module or something in it. The ids of checks look the same and have their own test."""
    if re.search(r"\.[EWI]\d+$", path):
        return True
    module, *names = path.split(".")
    found: Any = import_module(module)
    for name in names:
        module = f"{module}.{name}"
        if not hasattr(found, name) and (not hasattr(found, "__path__") or find_spec(module) is None):
            return path == "oauth.Client"  # a model, as Django names it
        found = getattr(found, name, None) or import_module(module)
    return True


def _code_spans(text: str) -> Iterator[str]:
    """Text between backticks, and each line of a fenced block without its comment."""
    for block in re.findall(r"```\w*\n(.*?)```", text, re.S):
        yield from (line.strip().partition(" #")[0] for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def _anchors(file: Path) -> set[str]:
    """GitHub's names for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _generated_flags(command: str) -> set[str]:
    """registration_token makes a flag of each part of the ceiling; those of bootstrap are read before the settings."""
    parts = ("scopes", "grant-types", "methods", "profiles", "details-types", "resources")
    if command == "bootstrap":
        return set(re.findall(r'"(--[\w-]+)"', (ROOT / "config/bootstrap/options.py").read_text()))
    return {f"--{part}" for part in parts} if command == "registration_token" else set()


def test_every_make_target_is_explained() -> None:
    explained = set(re.findall(r"^\| `make ([a-z-]+)`", CONTRIBUTING, re.M))
    assert explained == TARGETS


# --- docs/operating.md

# Reads the settings as production does, and prints every variable that was asked for, with its default.
ASKED = """
import json, environ
from environ import Env
asked, get_value = {}, Env.get_value
def record(self, var, cast=None, default=Env.NOTSET, parse_default=False):
    asked[var] = "required" if default is Env.NOTSET else default
    return get_value(self, var, cast=cast, default=default, parse_default=parse_default)
Env.get_value = record
from django.conf import settings
settings.DEBUG
print(json.dumps(asked, default=str))
"""


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    example = (ROOT / ".ci/production.env").read_text()
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"} | dict(
        re.findall(r"^(\w+)=(.*)$", example, re.M)
    )
    process = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    asked: dict[str, Any] = json.loads(process.stdout)
    return asked


def test_every_variable_is_documented_and_every_documented_variable_is_read(variables: dict[str, Any]) -> None:
    assert set(table(OPERATING, "Environment")) == set(variables)


def test_the_defaults_of_variables_are_documented(variables: dict[str, Any]) -> None:
    documented = table(OPERATING, "Environment")
    for name, default in variables.items():
        assert _is_said(default, documented[name][-1]), f"{name} is {default!r}, not {documented[name][-1]}"


def _is_said(default: Any, cell: str) -> bool:
    if isinstance(default, bool):
        return cell.startswith("`on`" if default else "`off`")
    if default in ("", [], "required"):
        return cell.startswith("required" if default == "required" else "empty")
    if isinstance(default, list) or "://" in str(default) or "@" in str(default):
        return bool(cell)  # made from other values; the cell says how
    return cell == f"`{default:g}`" if isinstance(default, float) else cell == f"`{default}`"


def test_the_checks_are_documented() -> None:
    ids = set(re.findall(r'id="(\w+\.[EWI]\d+)"', "\n".join(_sources())))
    assert set(table(OPERATING, "What stops the start")) == ids


def test_the_metrics_that_are_named_exist() -> None:
    named = set(re.findall(r"\b\w+_(?:seconds|total|backlog|differences)\b", OPERATING))
    assert len(named) > 5
    assert not {name for name in named if f'"{name.removesuffix("_total")}' not in CODE}


def test_the_limits_are_documented() -> None:
    documented = table(OPERATING, "Limits")
    of_allauth = {name for name, cells in documented.items() if "/" in cells[-1].split()[0]}
    limits = list(_limits())
    assert {name for name, _, _ in limits} == set(documented) - of_allauth
    for name, count, seconds in limits:
        assert re.search(rf"\b{count}\b", documented[name][-1]), f"{name} is {count}"
        assert _period(seconds) in documented[name][-1], f"{name} is by {_period(seconds)}"


def test_the_limits_of_allauth_are_documented() -> None:
    documented = table(OPERATING, "Limits")
    for name, rate in {name: rate for name, rate in settings.ACCOUNT_RATE_LIMITS.items() if rate}.items():
        assert documented[name][-1] == f"`{rate}`"


def _limits() -> Iterator[tuple[str, int, int]]:
    """(name, count, seconds) of each `Limit(...)` in the code."""
    for node in (node for text in _sources() if "Limit(" in text for node in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Limit":
            name, count = (ast.literal_eval(argument) for argument in node.args)
            yield name, count, next((ast.literal_eval(word.value) for word in node.keywords), 60)


def _period(seconds: int) -> str:
    return {60: "a minute", 3600: "an hour"}.get(seconds, f"in {seconds // 60} minutes")


def _sources() -> list[str]:
    """The text of each module, without migrations."""
    return [
        file.read_text()
        for package in PACKAGES
        for file in (ROOT / package).glob("**/*.py")
        if "migrations" not in file.parts
    ]


# --- docs/adopting.md


def test_every_setting_is_documented_with_its_default() -> None:
    documented = table(ADOPTING, "Settings")
    assert set(documented) == {field.name for field in fields(Conf)}
    for field in fields(Conf):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        assert documented[field.name][0] == _written(default), f"{field.name}: {_written(default)}"


def _written(default: Any) -> str:
    match default:
        case bool():
            return "on" if default else "off"
        case timedelta():
            return _duration(default)
        case str() if default:
            return f"`{default}`"
        case tuple() if default:
            return ", ".join(f"`{one}`" for one in default)
        case int() | float():
            return f"{default:g}"
    return "required" if default is MISSING else "none"


def _duration(length: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "day"), (timedelta(minutes=1), "minute"), (timedelta(seconds=1), "second")):
        if length % unit == timedelta() and length > unit:
            return f"{length // unit} {name}s"
    return str(length)


# --- facts in sentences


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


FACTS = [
    ("operating.md", f"and the body within {bodies.BODY_SECONDS:g} seconds"),
    ("operating.md", f"must arrive within {serving.IDLE_SECONDS} seconds"),
    ("operating.md", f"at most {serving.CONNECTIONS_PER_WORKER:,} connections"),
    ("operating.md", f"at most {bodies.MOST_WAITING} bodies"),
    ("operating.md", f"bodies of at most {bodies.MOST_BYTES // 1024**2} MiB"),
    ("operating.md", f"alive for {heartbeats.SECONDS:g} seconds"),
    ("operating.md", f"more than {watch.MOST_SKEW_SECONDS:g} seconds is `skewed`"),
    ("operating.md", f"the server reads up to {bodies.MOST_DROPPED_BYTES // 1024**2} MiB of the body"),
    ("operating.md", f"an answer of up to {streams.SENT_WHOLE_BYTES // 1024} KiB in one piece"),
    (
        "operating.md",
        f"an answer of up to {streams.MADE_WHOLE_BYTES // 1024**2} MiB in memory before it sends the first byte",
    ),
    ("operating.md", f"at most {streams.MOST_STREAMS} large answers and {streams.MOST_FILES} files at a time"),
    ("operating.md", f"reads nothing for {listener.WRITE_SECONDS:g} seconds"),
    (
        "operating.md",
        f"longer than {streams.GRACE_SECONDS:g} seconds plus one second for each {streams.SLOWEST_BYTES // 1024} KiB",
    ),
    ("operating.md", f"for {ring.KEPT_SECONDS // 60} minutes, the JWK Set"),
    ("operating.md", f"at most {shared_cache.SOCKET_SECONDS * 1000:g} milliseconds"),
    ("operating.md", f"Up to {admission.MOST_QUEUED} others wait"),
    ("operating.md", f"each for at most {admission.QUEUE_SECONDS:g} seconds"),
    ("operating.md", f"served in the last {cache.USED_SECONDS / 60:g} minutes"),
    ("operating.md", f"the {cache.MOST_RELOADED} most recent ones"),
    ("operating.md", f'`OAUTH["OUTAGE_TOLERANCE"]` ({_seconds(Conf.OUTAGE_TOLERANCE) // 60} minutes'),
    ("operating.md", f"in the last {_seconds(Conf.CLIENT_CACHE_LIFETIME)} seconds before the outage"),
    ("operating.md", f"for {serving.STOP_SECONDS} seconds at most"),
    ("operating.md", f"ended more than {cleanup.KEPT_AFTER_THE_END.days} days ago"),
    ("operating.md", f"kept for {Conf.AUDIT_LIFETIME.days} days"),
    ("operating.md", f"new signing keys every {Conf.KEY_ROTATION_INTERVAL.days} days"),
    ("operating.md", f"keys change every {Conf.KEY_ROTATION_INTERVAL.days} days"),
    (
        "operating.md",
        f"by this site within {ring.READ_EVERY_SECONDS} seconds, by APIs with our resource server within "
        f"{ring.READ_EVERY_SECONDS + 2 * int(Conf.STATUS_LIST_REFRESH.total_seconds())} seconds",
    ),
    (
        "operating.md",
        f"APIs elsewhere may then refuse new tokens for up to {ring.READ_EVERY_SECONDS + SEARCH_AFTER_SECONDS} seconds",
    ),
    ("operating.md", f"at most {backchannel_request.MOST_AT_ONCE} may wait at a time"),
    ("operating.md", f"{device.WRONG_CODES} wrong user codes"),
    ("adopting.md", f"fetches the list every {_seconds(Conf.STATUS_LIST_REFRESH)} seconds"),
    ("adopting.md", f"uses the last one for {jwks.MAX_AGE_SECONDS // 60} minutes"),
    ("security.md", f"the status list again, every {_seconds(Conf.STATUS_LIST_REFRESH)} seconds"),
    ("performance.md", f"in batches of {cleanup.BATCH}."),
    ("performance.md", f"pauses for {cleanup.REST} times as long"),
]


@pytest.mark.parametrize(("name", "sentence"), FACTS)
def test_a_number_in_a_sentence_is_that_of_the_code(name: str, sentence: str) -> None:
    assert sentence in " ".join((ROOT / "docs" / name).read_text().split())


def test_only_one_document_says_how_fast_cleanup_is() -> None:
    saying = [file.name for file in DOCUMENTS if re.search(r"rows a second", file.read_text())]
    assert saying == ["performance.md"]


# --- CHANGELOG.md


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.M)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.M)) <= SECTIONS_OF_THE_CHANGELOG


def test_moved_modules_are_where_the_changelog_says() -> None:
    new_paths = re.findall(r"^\| `[\w.]+` \| `([\w.]+)` \|$", CHANGELOG, re.M)
    assert new_paths
    assert not {path for path in new_paths if not _leads_somewhere(path)}


def test_the_version_of_the_project_is_the_last_one_of_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## \[(\d[\d.]+)\]", CHANGELOG, re.M)[0] == version


# --- the tables that tests/mutants writes


def test_each_rule_of_the_tables_has_a_mutant_and_each_mutant_a_row() -> None:
    """`python -m tests.mutants.document` writes the tables again."""
    security, conformance = document.SECURITY.read_text(), document.CONFORMANCE.read_text()
    assert document.security(security) == security
    assert document.conformance(conformance) == conformance
    assert document.ENFORCED.read_text() == document.enforced()
    tables = security.count("<!-- rows of ")
    assert tables == security.count("<!-- end of rows -->") == len(list((ROOT / "tests/mutants").glob("*.toml")))


@pytest.mark.parametrize("mutant", read(), ids=lambda mutant: f"{mutant.rule}, {mutant.test_name}")
def test_a_rule_stands_where_its_row_says(mutant: Mutant) -> None:
    """The code that the row removes exists, and the file names the rule of ASVS that it enforces."""
    text = (ROOT / mutant.file).read_text()
    mutant.applied_to(text)
    assert mutant.test_name in TESTS
    assert f"def {mutant.test_name}(" in (ROOT / mutant.test.partition("::")[0]).read_text()
    if mutant.rule.startswith("ASVS"):
        for number in re.findall(r"\d+\.\d+\.\d+", mutant.rule):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text), f"{number} is not in {mutant.file}"
