"""The step of `make check` that looks for newer releases of security-relevant packages."""

import importlib.util
import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
FINE, YANKED = [{"yanked": False}], [{"yanked": True}]


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location("newer_releases", ROOT / ".ci" / "newer_releases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("releases", "found"),
    [
        ({"65.21.1": FINE, "65.22.1": FINE, "66.0": FINE}, "65.22.1"),
        ({"65.21.1": FINE, "65.22.1": YANKED}, None),
        ({"65.21.1": FINE, "65.22.0rc1": FINE, "not a version": FINE}, None),
        ({"65.22.1": []}, None),
        ({}, None),
    ],
)
def test_the_newest_release_in_the_range_is_named(check, releases, found):
    """Yanked releases, pre-releases and releases without files do not count."""
    got = check.newer(Version("65.21.1"), SpecifierSet(">=65.21,<66"), releases)
    assert got == (Version(found) if found else None)


def test_what_is_watched_is_pinned(check):
    pins = check.pinned((ROOT / "requirements.txt").read_text())
    assert set(check.WATCHED) <= pins.keys()
    django = check.allowed((ROOT / "pyproject.toml").read_text())["django"]
    assert ["5.2.20" in django, "6.0" in django, "5.2.18" in django] == [True, False, False]


def test_it_warns_and_does_not_fail(check, monkeypatch, capsys):
    monkeypatch.setattr(check, "ask", lambda name, timeout: {"5.2.999": FINE} if name == "django" else {})
    check.main()
    assert "django 5.2.999 is out" in capsys.readouterr().out


@pytest.mark.parametrize("error", [OSError(), TimeoutError(), json.JSONDecodeError("x", "", 0), KeyError("releases")])
def test_without_the_registry_it_says_so(check, monkeypatch, capsys, error):
    def ask(name, timeout):
        raise error

    monkeypatch.setattr(check, "ask", ask)
    check.main()
    assert capsys.readouterr().out.count("not checked") == 1
