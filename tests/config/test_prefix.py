"""A site below a path of its host: which path the application sees."""

import pytest

from config.server.prefix import below


def seen(prefix: str, path: str) -> tuple[str, str]:
    got = []

    def application(environ, start_response):
        got.append((environ.get("SCRIPT_NAME", ""), environ["PATH_INFO"]))
        return []

    below(prefix, application)({"PATH_INFO": path}, lambda *_: None)
    return got[0]


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("/id/oauth/token", "/oauth/token"),
        ("/id/", "/"),
        ("/id", "/"),
        ("/oauth/token", "/oauth/token"),  # the proxy has removed the prefix
        ("/idle", "/idle"),
        ("/.well-known/oauth-authorization-server/id", "/.well-known/oauth-authorization-server/id"),
        ("/health/live", "/health/live"),
    ],
)
def test_the_path_is_relative_to_the_prefix(path: str, relative: str) -> None:
    assert seen("/id", path) == ("/id", relative)


def test_without_a_prefix_nothing_changes() -> None:
    assert seen("", "/id/oauth/token") == ("", "/id/oauth/token")
