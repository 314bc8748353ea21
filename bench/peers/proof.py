"""Checks that a server answers correctly before it is measured."""

from typing import Any

import jwt
import requests

from bench.load import Request
from bench.servers import Server

Claims = dict[str, Any]


def status(port: int, request: Request) -> requests.Response:
    """The response. Raises AssertionError if its status is not the expected one."""
    response = requests.request(
        request.method, f"http://localhost:{port}{request.path}", data=request.body, headers=request.headers,
        timeout=30, allow_redirects=False,
    )  # fmt: skip
    assert response.status_code == request.expect, f"{request.path}: {response.status_code} {response.text}"
    return response


def answer(server: Server, request: Request, *, port: int | None = None) -> Claims:
    """The JSON."""
    found: Claims = status(port or server.port, request).json()
    return found


def claims(server: Server, token: str, *, jwks: str, algorithm: str, issuer: str = "") -> Claims:
    """The claims of a token after its signature, issuer and times have been verified. `issuer` is needed if it is not
    the server's URL.
    """
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{server.url}{jwks}", timeout=30).json())
    header = jwt.get_unverified_header(token)
    assert header["alg"] == algorithm, f"{server.url} signed with {header['alg']}, which must be {algorithm}"
    key = next(key for key in keys.keys if key.key_id == header["kid"])
    found: Claims = jwt.decode(
        token, key, [algorithm], issuer=issuer or server.url,
        options={"require": ["exp", "iat", "iss", "sub"], "verify_aud": False},
    )  # fmt: skip
    return found


def is_active(server: Server, request: Request, *, port: int | None = None) -> None:
    found = answer(server, request, port=port)
    assert found.get("active") is True, f"{request.path} answers {found}"
