"""An explanation, and its example as an HTTP request and response."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from banking.api.problem_types import PROBLEMS

_ERROR_ID = "5f0f2e0c7a1b4c3d8e9f0a1b2c3d4e5f"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`request` and `detail` belong to the example. `headers` and `members` are additional parts of its response.
    `pointer` is the part of the body that the example's problem is about (RFC 6901).
    """

    status: int
    cause: str
    remedy: str
    request: str
    detail: str
    pointer: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)


def example_of(code: str, explanation: Explanation, *, issuer: str) -> tuple[str, dict[str, Any]]:
    """The head and the body of the example's response."""
    body: dict[str, Any] = {
        "type": f"{issuer}/problems/{code}",
        "title": PROBLEMS[code][0],
        "status": explanation.status,
        "detail": f"{explanation.detail} (error id {_ERROR_ID})",
        "instance": f"urn:uuid:{_ERROR_ID}",
        "code": code,
        **explanation.members,
    }
    if explanation.pointer:
        body["errors"] = [{"pointer": explanation.pointer, "code": code, "detail": explanation.detail}]
    headers = {"Content-Type": "application/problem+json", "X-Error-Id": _ERROR_ID, **explanation.headers}
    lines = [f"HTTP/1.1 {explanation.status} {HTTPStatus(explanation.status).phrase}"]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items())]), body


def shown(code: str, explanation: Explanation, *, issuer: str) -> str:
    """The example as text: request, empty line, answer."""
    head, body = example_of(code, explanation, issuer=issuer)
    return f"{explanation.request}\n\n{head}\n\n{json.dumps(body, indent=2, ensure_ascii=False)}"
