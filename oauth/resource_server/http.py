"""HTTP requests of a resource server to its issuer. The URLs come from settings only."""

import json
from typing import Any

import requests

MAX_BYTES = 64 * 1024
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 2, 3


def get(uri: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    """Status, body of at most 64 KiB, headers; no redirect is followed. Raises OSError or ValueError."""
    timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    with requests.get(uri, timeout=timeout, stream=True, allow_redirects=False, headers=headers) as response:
        body = response.raw.read(MAX_BYTES + 1, decode_content=True)
        if len(body) > MAX_BYTES:
            raise ValueError(f"{uri} is larger than {MAX_BYTES} bytes")
        return response.status_code, body, dict(response.headers)


def get_json(uri: str) -> Any:
    """The current document: `no-cache` makes every cache in between ask the issuer (RFC 9111 §5.2.1.4)."""
    status, body, _ = get(uri, headers={"Cache-Control": "no-cache"})
    if status != 200:
        raise ValueError(f"{uri} answered {status}")
    return json.loads(body)
