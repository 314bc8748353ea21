"""The files for container engines, Kubernetes and systemd confine their processes, read secrets from files and use
known names.
"""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lib.document_tables import table

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# Variables that images of others read.
OF_OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PATH"}
VARIABLES = set(table((ROOT / "docs/operating.md").read_text(), "Environment")) | OF_OTHERS
SECRETS = {"SECRET_KEY", "KEY_ENCRYPTION_KEYS", "PAIRWISE_SUBJECT_KEY", "DATABASE_URL", "PROXY_SECRETS", "EMAIL_URL"}
SITE = ("migrate", "web-1", "web-2", "worker")


def names(environment: dict[str, Any]) -> set[str]:
    return {name.removesuffix("_FILE") for name in environment}


# --- compose


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_has_a_read_only_root_and_gains_no_rights(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_drop") == ["ALL"] or name == "database"  # its image starts as root and drops to a user


def test_a_service_without_capabilities_does_not_start_as_root() -> None:
    """An image that drops from root to a user needs capabilities for that."""
    own_user = {"proxy", *SITE}  # nginx-unprivileged, and deploy/Containerfile
    for name, service in COMPOSE["services"].items():
        assert "user" in service or name in own_user or "cap_drop" not in service, name


def test_services_read_each_secret_from_a_file_that_is_declared() -> None:
    for name in SITE:
        environment = COMPOSE["services"][name]["environment"]
        given = set(COMPOSE["services"][name]["secrets"])
        assert {f"{one}_FILE" for one in SECRETS} <= environment.keys()
        assert not SECRETS & environment.keys()
        assert {
            value.removeprefix("/run/secrets/") for key, value in environment.items() if key.endswith("_FILE")
        } <= given
    used = {
        one if isinstance(one, str) else one["source"]
        for service in COMPOSE["services"].values()
        for one in service.get("secrets", ())
    }
    assert used == COMPOSE["secrets"].keys()


def test_only_the_migration_knows_the_owner_of_the_tables() -> None:
    knowing = [name for name, one in COMPOSE["services"].items() if "owner_database_url" in str(one)]
    assert knowing == ["migrate"]


def test_make_secrets_makes_what_compose_reads_and_overwrites_nothing(tmp_path: Path) -> None:
    shutil.copy2(DEPLOY / "make_secrets", tmp_path)
    subprocess.run([tmp_path / "make_secrets"], check=True, capture_output=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    declared = {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
    assert declared - made.keys() == {"email_url", "tls.crt", "tls.key"}  # the script sets this variable
    assert made["site_password"] in made["site_database_url"]
    assert made["proxy_secret"] in made["nginx_proxy_secret.conf"]
    assert len(made["secret_key"]) >= 50
    again = subprocess.run([tmp_path / "make_secrets"], check=True, capture_output=True, text=True)
    assert "wrote" not in again.stdout
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made


def test_every_variable_is_one_that_the_site_reads() -> None:
    in_compose = set[str]().union(*(names(one.get("environment", {})) for one in COMPOSE["services"].values()))
    in_kubernetes = {
        one["name"].removesuffix("_FILE") for _, container in containers() for one in container.get("env", ())
    }
    in_env = set(re.findall(r"^(\w+)=", (DEPLOY / "kubernetes/site.env").read_text(), re.M))
    in_units = {
        name.removesuffix("_FILE") for unit in UNITS for name in re.findall(r"[ =]([A-Z_]+)=", unit.read_text())
    }
    assert (in_compose | in_kubernetes | in_env | in_units) - VARIABLES == set()


# --- Kubernetes


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(pod, container) pairs."""
    pods = [one["spec"]["template"]["spec"] for one in MANIFESTS if "template" in one.get("spec", {})]
    return [(pod, container) for pod in pods for container in pod["containers"]]


def test_every_container_is_restricted() -> None:
    """The restricted profile of the Pod Security Standards, and a read-only root."""
    assert len(containers()) == 4
    for pod, container in containers():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"requests", "limits"} <= container["resources"].keys()


def test_secrets_are_files_and_never_variables() -> None:
    for pod, container in containers():
        assert "secretKeyRef" not in str(container)
        assert all("secretRef" not in one for one in container.get("envFrom", ()))
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        for variable in container.get("env", ()):
            if variable["name"].endswith("_FILE"):
                assert variable["value"].rpartition("/")[0] in mounted
        assert {one["name"] for one in container["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}


def test_the_site_is_probed_and_what_is_stopped_has_time() -> None:
    web = next(one for one in MANIFESTS if one["kind"] == "Deployment" and one["metadata"]["name"] == "web")
    pod = web["spec"]["template"]["spec"]
    site, nginx = pod["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= site.keys()
    assert site["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    # an outage of the database must not restart the server
    assert site["livenessProbe"]["httpGet"]["path"] == "/health/live"
    drained = int(nginx["lifecycle"]["preStop"]["exec"]["command"][1])
    assert 5 + 30 < drained < pod["terminationGracePeriodSeconds"]


def test_each_deployment_survives_a_drained_node() -> None:
    kept = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        for one in MANIFESTS
        if one["kind"] == "PodDisruptionBudget"
    }
    assert kept == {one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "Deployment"}


def test_the_kustomization_names_each_file() -> None:
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
    assert {Path(one).name for one in listed["resources"]} == {
        file.name for file in (DEPLOY / "kubernetes").glob("*.yaml")
    }
    for one in (*listed["configMapGenerator"][0]["envs"], *listed["configMapGenerator"][1]["files"]):
        assert (DEPLOY / one).is_file()


# --- systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_reads_its_secrets_as_credentials(unit: Path) -> None:
    text = unit.read_text()
    given = set(re.findall(r"^LoadCredential=(\w+):", text, re.M))
    used = set(re.findall(r"%d/(\w+)", text))
    assert given == used
    assert {f"{name}_FILE" for name in SECRETS} <= set(re.findall(r"^Environment=(\w+)=%d/", text, re.M))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_a_unit_and_finds_it_confined(unit: Path) -> None:
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    # The release is not installed here.
    assert [line for line in verified.stderr.splitlines() if "is not executable" not in line] == []
    measured = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert measured.returncode == 0, measured.stdout[-500:]


def test_only_the_server_gets_the_signal_of_systemd() -> None:
    """docs/operating.md: otherwise worker processes drop their requests."""
    assert "\nKillMode=mixed\n" in (DEPLOY / "systemd/countersign-web.service").read_text()


# --- one release, one name


def test_the_release_is_named_as_the_project_is() -> None:
    version = re.search(r'^version = "([\d.]+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
    assert listed["images"][0]["newTag"] == version
    job = next(one for one in MANIFESTS if one["kind"] == "Job")
    assert job["metadata"]["name"] == f"migrate-{version.replace('.', '-')}"


def test_scripts_are_executable_and_valid() -> None:
    for name in ("migrate", "make_secrets"):
        script = DEPLOY / name
        assert script.stat().st_mode & 0o111
        subprocess.run(["/bin/sh", "-n", script], check=True)
    lines = (DEPLOY / "migrate").read_text().splitlines()
    order = [
        next(i for i, line in enumerate(lines) if word in line)
        for word in (" migrate ", " createcachetable", " database_role ")
    ]
    assert all(one < other for one, other in pairwise(order))
