"""The REST API of a running conformance suite, as its own scripts use it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

MODULE_SECONDS = 300
#: States in which a module has ended.
ENDED = ("FINISHED", "INTERRUPTED")


@dataclass(frozen=True)
class Verdict:
    """The outcome of one module: PASSED, WARNING, REVIEW, SKIPPED, FAILED or INTERRUPTED, and the reasons for it."""

    module: str
    outcome: str
    reasons: tuple[str, ...]


class Suite:
    """`url` is the base URL of the suite; `authority` is the file of the certificate that its proxy presents."""

    def __init__(self, url: str, authority: str) -> None:
        self.url = url.rstrip("/")
        self.http = requests.Session()
        self.http.trust_env = False  # no other authorities, no proxy
        self.http.verify = authority

    def version(self) -> str:
        return str(self._json("GET", "/api/server")["version"])

    def plan(self, name: str, variant: Mapping[str, str], configuration: Mapping[str, Any]) -> Any:
        """Creates the plan. The answer holds its `id` and its `modules`, each with the `variant` to run it by."""
        query = {"planName": name, "variant": json.dumps(variant)}
        return self._json("POST", "/api/plan", params=query, json=configuration)

    def module(self, plan_id: str, name: str, variant: Mapping[str, str]) -> str:
        """Creates and starts one module of a plan, and returns its ID."""
        query = {"plan": plan_id, "test": name, "variant": json.dumps(variant)}
        return str(self._json("POST", "/api/runner", params=query)["id"])

    def status(self, module_id: str) -> str:
        return str(self._json("GET", f"/api/info/{module_id}")["status"])

    def start(self, module_id: str) -> None:
        self._json("POST", f"/api/runner/{module_id}")

    def stop(self, module_id: str) -> None:
        self.http.delete(f"{self.url}/api/runner/{module_id}", timeout=60)

    def wait_for(self, module_id: str, *states: str, seconds: float = MODULE_SECONDS) -> str:
        """Waits until the module reaches one of `states`, for at most `seconds`. Returns its state."""
        until = time.monotonic() + seconds
        while (state := self.status(module_id)) not in states and time.monotonic() < until:
            time.sleep(0.25)
        return state

    def verdict(self, module_id: str) -> Verdict:
        info = self._json("GET", f"/api/info/{module_id}")
        outcome = "INTERRUPTED" if info["status"] != "FINISHED" else info["result"]
        entries = self._json("GET", f"/api/log/{module_id}")
        told = [row for row in entries if row.get("result") in ("FAILURE", "WARNING", "INTERRUPTED")]
        reasons = dict.fromkeys(f"{row['result']} {row.get('src')}: {row.get('msg')}" for row in told)
        return Verdict(info["testName"], outcome, tuple(reasons))

    def _json(self, method: str, path: str, **given: Any) -> Any:
        answer = self.http.request(method, f"{self.url}{path}", timeout=60, **given)
        if not answer.ok:
            raise RuntimeError(f"The suite answered {answer.status_code} to {method} {path}: {answer.text[:500]}")
        return answer.json()
