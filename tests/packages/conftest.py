"""The wheels, built once for the tests of this directory."""

from pathlib import Path

import pytest

from tests.lib import distributions


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name of a distribution -> its wheel, built straight from the repository."""
    directory = tmp_path_factory.mktemp("wheels")
    for source in distributions.SOURCES.values():
        distributions.uv("build", "--quiet", "--wheel", "--out-dir", directory, source)
    return {name: next(directory.glob(f"{name}-*.whl")) for name in distributions.SOURCES}
