"""The contents of the two distributions. Each can be installed and removed without the other."""

import ast
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.lib import distributions
from tests.lib.distributions import RESOURCE_SERVER, ROOT, SERVER, Environment, files_of

packaged = pytest.mark.packaged
PROJECTS = {
    name: tomllib.loads((source / "pyproject.toml").read_text()) for name, source in distributions.SOURCES.items()
}


def tree() -> set[str]:
    """Every file of `oauth` that git keeps."""
    files = (file for file in (ROOT / "oauth").rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {str(file.relative_to(ROOT)) for file in files}


@packaged
def test_the_wheels_hold_the_whole_tree_and_nothing_else(wheels: dict[str, Path]) -> None:
    """Templates, static files, catalogs, migrations and commands included; no tests, no site, no bank."""
    server, resource_server = files_of(wheels[SERVER]), files_of(wheels[RESOURCE_SERVER])
    assert server | resource_server == tree()
    assert not server & resource_server
    for kind in ("*.html", "*.js", "*.css", "*.mo", "*/migrations/0001_initial.py", "*/commands/rotate_keys.py"):
        assert any(Path(name).match(kind) for name in server), kind


@packaged
def test_a_source_distribution_makes_the_same_wheel(wheels: dict[str, Path], tmp_path: Path) -> None:
    for name, source in distributions.SOURCES.items():
        distributions.uv("build", "--quiet", "--out-dir", tmp_path, source)  # the wheel is built from the sdist
        ours, theirs = (zipfile.ZipFile(directory / wheels[name].name) for directory in (wheels[name].parent, tmp_path))
        assert {entry.filename: entry.CRC for entry in ours.infolist()} == {
            entry.filename: entry.CRC for entry in theirs.infolist()
        }


@packaged
def test_without_the_server_the_resource_server_still_works(wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "both")
    environment.install("--no-deps", *wheels.values(), "pyjwt", "cryptography", "requests")
    environment.uninstall("countersign-oauth")
    left = environment.run("-c", "import oauth.tokens.claims, importlib.util as u; print(u.find_spec('oauth.grants'))")
    assert left == "None\n"


@packaged
def test_pip_finds_the_resource_server_beside_the_server_in_a_checkout(wheels: dict[str, Path], tmp_path: Path) -> None:
    """`pip install .` must work between releases, and the wheel must not depend on a path."""
    code = "import sys, checkout as c; print(c.prepare_metadata_for_build_wheel(sys.argv[1]))"
    python = ("run", "--quiet", "--no-project", "--with", "hatchling", "python")
    info = distributions.uv(*python, "-c", f"import sys; sys.path.insert(0, 'packages'); {code}", tmp_path).strip()
    for_pip = (tmp_path / info / "METADATA").read_text()
    assert (
        f"Requires-Dist: countersign-resource-server[drf] @ {(ROOT / 'packages/resource_server').as_uri()}" in for_pip
    )
    with zipfile.ZipFile(wheels[SERVER]) as wheel:
        assert "Requires-Dist: countersign-resource-server[drf]==" in wheel.read(f"{info}/METADATA").decode()


@packaged
def test_the_oldest_allowed_requirements_suffice(wheels: dict[str, Path], tmp_path: Path) -> None:
    """pyproject.toml allows no version that lacks something that a module imports or names at its import."""
    environment = Environment.make(tmp_path / "oldest")
    server, resource_server = (PROJECTS[name]["project"] for name in (SERVER, RESOURCE_SERVER))
    requirements = [*server["dependencies"][1:], *server["optional-dependencies"]["binary"]]
    requirements += [*resource_server["dependencies"], *resource_server["optional-dependencies"]["drf"][1:]]
    environment.install("--resolution", "lowest-direct", *requirements)
    environment.install("--no-deps", *wheels.values())
    environment.run(Path(__file__).parent / "programs/every_module.py")


def test_both_distributions_have_one_version_and_one_licence() -> None:
    versions = {project["project"]["version"] for project in PROJECTS.values()}
    assert len(versions) == 1
    assert f"countersign-resource-server[drf]=={versions.pop()}" in PROJECTS[SERVER]["project"]["dependencies"]
    assert (ROOT / "packages/resource_server/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_server_leaves_out_what_the_resource_server_ships() -> None:
    shipped = [f"/oauth/{name}" for name in PROJECTS[RESOURCE_SERVER]["tool"]["countersign"]["files"]]
    targets = PROJECTS[SERVER]["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["exclude"] == targets["sdist"]["exclude"] == shipped
    assert all((ROOT / name.removeprefix("/")).exists() for name in shipped)


def imported_by(file: Path) -> set[str]:
    """The modules of `oauth` that a file imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("oauth"):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def file_of(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def test_the_resource_server_ships_every_module_that_it_imports() -> None:
    shipped = {ROOT / "oauth" / name for name in PROJECTS[RESOURCE_SERVER]["tool"]["countersign"]["files"]}
    waiting = [file for path in shipped for file in (path.rglob("*.py") if path.is_dir() else [path])]
    for file in waiting:
        for module in imported_by(file):
            needed = file_of(module)
            assert needed is None or shipped & {needed, *needed.parents}, f"{file.relative_to(ROOT)} imports {module}"
