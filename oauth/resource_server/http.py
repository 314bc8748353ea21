"""HTTP requests of a resource server to its issuer. URLs must come from settings."""

import json
from typing import Any

import requests

MAX_BYTES = 64 * 1024
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 2, 3


def get(uri: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    """Returns status, body of at most MAX_BYTES, and headers. Follows no redirects. Raises OSError or ValueError."""
    timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    with requests.get(uri, timeout=timeout, stream=True, allow_redirects=False, headers=headers) as response:
        body = response.raw.read(MAX_BYTES + 1, decode_content=True)
        if len(body) > MAX_BYTES:
            raise ValueError(f"{uri} is larger than {MAX_BYTES} bytes")
        return response.status_code, body, dict(response.headers)


def get_json(uri: str) -> Any:
    """Fetches a JSON document. `no-cache` makes every intermediate cache revalidate it (RFC 9111 §5.2.1.4)."""
    status, body, _ = get(uri, headers={"Cache-Control": "no-cache"})
    if status != 200:
        raise ValueError(f"{uri} returned status {status}")
    return json.loads(body)
