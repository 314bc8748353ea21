"""Makes clients from the OpenAPI document with published generators, in a cache directory, and compiles them.

Each function takes the document and an empty directory, and returns the command that runs the program which uses the
client. The versions are those named here and in the build files of each language.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lib import toolchains
from tests.lib.servers import ROOT

HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "sdks"
OPENAPI_PYTHON_CLIENT = "openapi-python-client==0.29.1"
#: The dependencies of the Python client (its pyproject.toml).
PYTHON_CLIENT_NEEDS = ("httpx==0.28.1", "attrs==26.1.0", "python-dateutil==2.9.0.post0")
OPENAPI_GENERATOR = (
    "https://repo1.maven.org/maven2/org/openapitools/openapi-generator-cli/7.25.0/openapi-generator-cli-7.25.0.jar"
)
OPENAPI_GENERATOR_SHA256 = "41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae"
PATIENCE_SECONDS = 600
#: Each Java process runs only for seconds, so optimized compilation and parallel garbage collection would cost more
#: than they save.
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


@dataclass(frozen=True)
class Language:
    tools: Sequence[str]
    make: Callable[[Path, Path], list[str]]

    @property
    def missing(self) -> list[str]:
        return [tool for tool in self.tools if shutil.which(tool) is None]


def python(document: Path, directory: Path) -> list[str]:
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--no-project", "--isolated"]
    generate = ["openapi-python-client", "generate", "--meta=none", "--path", str(document)]
    _run(
        [*uv, "--with", OPENAPI_PYTHON_CLIENT, *generate, "--output-path", str(directory / "bank_api_client")],
        directory,
    )
    shutil.copy(HERE / "python" / "drive.py", directory)
    needs = [f"--with={one}" for one in PYTHON_CLIENT_NEEDS]
    return [*uv, *needs, "python", "-W", "error", str(directory / "drive.py")]


def typescript(document: Path, directory: Path) -> list[str]:
    """tsc checks each request of the program against the document. The types are bank.ts and not bank.d.ts, because
    tsconfig.json makes tsc skip `.d.ts` files: those of Node.js and of browsers take longer than everything else."""
    for one in ("drive.ts", "tsconfig.json"):
        shutil.copy(HERE / "typescript" / one, directory)
    libraries = toolchains.TYPESCRIPT.prepare() / "node_modules"
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "node_modules").symlink_to(libraries)
    _run([str(libraries / ".bin/openapi-typescript"), str(document), "--output", "bank.ts"], directory)
    _run([str(libraries / ".bin/tsc")], directory)
    return ["node", "drive.js"]


def java(document: Path, directory: Path) -> list[str]:
    """Builds the client with its own pom.xml."""
    _openapi_generator(document, directory, "java")
    shutil.copy(HERE / "java" / "Drive.java", directory / "src" / "main" / "java")
    return _maven(directory, "Drive")


def kotlin(document: Path, directory: Path) -> list[str]:
    """With kotlinx.serialization and wrappers: the other libraries turn `oneOf` into an interface that no class
    implements.
    """
    options = "serializationLibrary=kotlinx_serialization,generateOneOfAnyOfWrappers=true"
    _openapi_generator(document, directory, "kotlin", f"--additional-properties={options}")
    shutil.copy(HERE / "kotlin" / "Drive.kt", directory / "src" / "main" / "kotlin")
    shutil.copy(HERE / "kotlin" / "pom.xml", directory)
    return _maven(directory, "DriveKt")


LANGUAGES = {
    "python": Language((), python),
    "typescript": Language(("node", "npm"), typescript),
    "java": Language(("java", "javac", "mvn"), java),
    "kotlin": Language(("java", "mvn"), kotlin),
}


def _openapi_generator(document: Path, directory: Path, generator: str, *options: str) -> None:
    command = ["java", "-jar", _jar(), "generate", "--input-spec", document, "--generator-name", generator]
    _run([*map(str, command), "--output", str(directory), *options], directory)


def _jar() -> Path:
    path = CACHE / OPENAPI_GENERATOR.rpartition("/")[2]
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(OPENAPI_GENERATOR, timeout=60) as answer:
            path.with_suffix(".part").write_bytes(answer.read())
        path.with_suffix(".part").rename(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == OPENAPI_GENERATOR_SHA256, f"{path} is another file"
    return path


def _maven(directory: Path, main: str) -> list[str]:
    classpath = directory / "classpath"
    plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
    _run(["mvn", "-q", "-B", "-T1", "compile", plugin, f"-Dmdep.outputFile={classpath}"], directory)
    return ["java", "-cp", f"{directory / 'target' / 'classes'}:{classpath.read_text()}", main]


def _run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **SHORT_LIVED}, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}{done.stderr[-6000:]}"
