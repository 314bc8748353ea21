"""Compares refusals without their error ids."""

import json
from typing import Any


def without_error_id(answer: Any) -> dict[str, Any]:
    """The JSON body of a refusal without the id of its X-Error-Id header."""
    body: dict[str, Any] = json.loads(answer.content.replace(answer["X-Error-Id"].encode(), b""))
    return body
