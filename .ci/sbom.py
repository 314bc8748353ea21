"""`make sbom`: writes the components of the site into dist/, as a CycloneDX document. It installs requirements.txt into
an empty environment and describes its packages: names, versions, licences and dependencies as the packages declare
them, and the hashes of requirements.txt. `make sbom` runs it in an environment with cyclonedx-bom.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SPEC_VERSION = "1.6"


def main() -> int:
    version = PROJECT["project"]["version"]
    target = ROOT / "dist" / f"countersign-{version}.cdx.json"
    with tempfile.TemporaryDirectory() as folder:
        document = _environment(Path(folder))
        hashes = _hashes(Path(folder))
    for component in document["components"]:
        component["externalReferences"] = [*component.get("externalReferences", ()), hashes[_normal(component["name"])]]
    root = document["metadata"]["component"]
    root["name"], root["bom-ref"] = "countersign", "countersign"
    root["description"] = "The site of this repository: authorization server, login and demo bank."
    root["purl"] = f"pkg:generic/countersign@{version}"
    direct = _direct()
    refs = sorted(one["bom-ref"] for one in document["components"] if _normal(one["name"]) in direct)
    others = [one for one in document["dependencies"] if one["ref"] != "root-component"]
    document["dependencies"] = [{"ref": "countersign", "dependsOn": refs}, *others]
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"The document does not match the schema of CycloneDX {SPEC_VERSION}: {error}")
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    print(f"{target.relative_to(ROOT)}: {len(document['components'])} components, valid CycloneDX {SPEC_VERSION}")
    return 0


def _environment(folder: Path) -> dict[str, Any]:
    """The packages that the lock installs, with licences and dependencies."""
    _run("uv", "venv", "--quiet", folder / "venv")
    python = folder / "venv/bin/python"
    _run("uv", "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", LOCK)
    return _describe("environment", folder, python)


def _hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """Name of a package -> an external reference to its distributions, with the hashes of the lock."""
    found: dict[str, dict[str, Any]] = {}
    for component in _describe("requirements", folder, LOCK)["components"]:
        found[_normal(component["name"])] = {
            **component["externalReferences"][0],
            "comment": "hashes of requirements.txt",
        }
    return found


def _direct() -> set[str]:
    """The packages that pyproject.toml names for the site."""
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["site"]]
    return {_normal(re.split(r"[\[<>=~! ]", one)[0]) for one in wanted}


def _normal(name: str) -> str:
    """The name in the form in which the package index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _describe(what: str, folder: Path, *arguments: object) -> dict[str, Any]:
    """Makes the document reproducible: without the time and without a random serial number."""
    options = (
        "--spec-version",
        SPEC_VERSION,
        "--output-reproducible",
        "--no-validate",
        "--pyproject",
        ROOT / "pyproject.toml",
    )
    output = folder / f"{what}.json"
    _run("cyclonedx-py", what, *options, "--output-file", output, *arguments)
    document: dict[str, Any] = json.loads(output.read_text())
    return document


def _run(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
