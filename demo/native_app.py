"""A native app that follows RFC 8252: the system's browser, a loopback redirect, PKCE, and tokens that cannot be used
without the app's own key (DPoP, RFC 9449). `manage.py demo_app` runs it.

This module uses the server over HTTP only and imports none of its code.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec

TIMEOUT_SECONDS = 10
THANKS = b"<!doctype html><title>Done</title><p>The app has its answer. You can close this window.</p>"

# No redirects: the endpoints never answer with one, and a token must not be sent to another address.
_OPTIONS: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "allow_redirects": False}

OpenBrowser = Callable[[str], object]


class ProtocolError(Exception):
    """The server or the user refused, or a response does not match its request."""


@dataclass
class Tokens:
    access_token: str
    refresh_token: str
    scope: str
    authorization_details: list[dict[str, Any]] = field(default_factory=list)


class ProofKey:
    """A key that never leaves the app. On a phone, it would be stored in the Keychain or Keystore."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._private.public_key()))

    def prove(self, method: str, url: str, *, nonce: str | None, access_token: str | None) -> str:
        """A DPoP proof for one request (RFC 9449 §4.2)."""
        claims: dict[str, Any] = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if nonce:
            claims["nonce"] = nonce
        if access_token:
            claims["ath"] = _base64url(hashlib.sha256(access_token.encode()).digest())
        return jwt.encode(claims, self._private, "ES256", headers={"typ": "dpop+jwt", "jwk": self._public})


@dataclass
class NativeApp:
    """One installation of the app. `api` is the URL of the bank's API; the app discovers everything else."""

    api: str
    client_id: str
    scope: str
    _http: requests.Session = field(default_factory=requests.Session, repr=False)
    _metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    _key: ProofKey = field(default_factory=ProofKey, repr=False)
    _nonce: str | None = field(default=None, repr=False)

    # --- OAuth

    def discover(self) -> dict[str, Any]:
        """Finds the authorization server in the API's metadata, and then reads the server's metadata (RFC 9728 §3, RFC
        8414 §3).
        """
        origin, path = _split(self.api)
        resource = self._json(self._http.get(f"{origin}/.well-known/oauth-protected-resource{path}", **_OPTIONS))
        issuer = resource["authorization_servers"][0]
        # RFC 8414 §3.3, RFC 9728 §3.3: metadata that names another issuer or resource must not be used.
        origin, path = _split(issuer)
        self._metadata = self._json(
            self._http.get(f"{origin}/.well-known/oauth-authorization-server{path}", **_OPTIONS)
        )
        if resource["resource"] != self.api or self._metadata["issuer"] != issuer:
            raise ProtocolError("The metadata is for another server.")
        return self._metadata

    def authorize(self, open_browser: OpenBrowser) -> Tokens:
        """Asks the user in the browser and redeems the code (RFC 8252 §4.1, RFC 7636)."""
        code_verifier = secrets.token_urlsafe(48)
        state = secrets.token_urlsafe(16)
        with _Callback() as callback:
            query = {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": callback.uri,
                "scope": self.scope,
                "resource": self.api,
                "state": state,
                "code_challenge": _base64url(hashlib.sha256(code_verifier.encode()).digest()),
                "code_challenge_method": "S256",
            }
            parameters = self._authorization_parameters(query)
            open_browser(f"{self._metadata['authorization_endpoint']}?{urlencode(parameters)}")
            answer = self._answered(callback.wait())
        # RFC 6749 §10.12, ASVS 5.0 10.1.2, 10.2.1: the response must belong to a request of this app. RFC 9207 §2.4,
        # ASVS 5.0 10.2.2: it must come from the server that got the request.
        if answer.get("state") != state or answer.get("iss") != self._metadata["issuer"]:
            raise ProtocolError("The authorization response does not belong to this app's request.")
        if "error" in answer:
            raise ProtocolError(f"{answer['error']}: {answer.get('error_description', '')}")
        return self._tokens(
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=callback.uri,
            code_verifier=code_verifier,
        )

    def _authorization_parameters(self, query: dict[str, str]) -> dict[str, str]:
        """The parameters of the authorization request, which the browser sends to the server."""
        return query

    def _answered(self, parameters: dict[str, str]) -> dict[str, str]:
        """The parameters of the authorization response, which the browser brought back."""
        return parameters

    def _credentials(self) -> dict[str, str]:
        """The parameters that identify the client. A public client cannot prove its identity."""
        return {"client_id": self.client_id}

    def refresh(self, tokens: Tokens) -> Tokens:
        """Gets a new access token without the user (RFC 6749 §6). The refresh token is bound to the key and is not
        rotated.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return self._tokens(**form, known=tokens.refresh_token)

    def _tokens(self, *, known: str = "", **form: str) -> Tokens:
        answer = self._post(self._metadata["token_endpoint"], form)
        # RFC 9449 §5: the token must have the requested type.
        if answer["token_type"] != "DPoP":
            raise ProtocolError("The server gave a token that is not bound to the app's key.")
        return Tokens(
            answer["access_token"],
            answer.get("refresh_token", known),
            answer["scope"],
            answer.get("authorization_details", []),
        )

    def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        return self._send("POST", url, form=lambda: form | self._credentials())

    # --- the bank

    def accounts(self, tokens: Tokens) -> list[dict[str, Any]]:
        """The accounts, each with its balances under `balances`."""
        accounts = self._get(tokens, "/accounts")["data"]
        return [
            {**account, "balances": self._get(tokens, f"/accounts/{account['id']}/balances")} for account in accounts
        ]

    def transfer(self, tokens: Tokens, source: str, destination: str, amount: dict[str, Any]) -> dict[str, Any]:
        """A transfer between two accounts of the user. Because of the idempotency key, a repeated request makes no
        second transfer.
        """
        body: dict[str, Any] = {
            "source_account_id": source,
            "destination": {"account_id": destination},
            "amount": amount,
            "reference": "From the demo app",
        }
        headers = {"Idempotency-Key": str(uuid4())}
        return self._send("POST", f"{self.api}/transfers", tokens, json=body, headers=headers)

    def _get(self, tokens: Tokens, path: str) -> dict[str, Any]:
        return self._send("GET", f"{self.api}{path}", tokens)

    def _send(
        self,
        method: str,
        url: str,
        tokens: Tokens | None = None,
        *,
        form: Callable[[], dict[str, str]] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Sends the request with a DPoP proof, and once more if the server requires a nonce in the proof (RFC 9449 §8,
        §9). Each attempt has a new form, because a client assertion in it can be used once.
        """
        access_token = tokens.access_token if tokens else None
        for attempt in (1, 2):
            proof = self._key.prove(method, url, nonce=self._nonce, access_token=access_token)
            headers = {**options.pop("headers", {}), "DPoP": proof}
            if access_token:
                headers["Authorization"] = f"DPoP {access_token}"
            if form:
                options["data"] = form()
            options["headers"] = headers
            response = self._http.request(method, url, **options, **_OPTIONS)
            self._nonce = response.headers.get("DPoP-Nonce", self._nonce)
            wants_nonce = "use_dpop_nonce" in (response.headers.get("WWW-Authenticate", "") + response.text[:200])
            if response.ok or not wants_nonce or attempt == 2:
                break
        return self._json(response)

    @staticmethod
    def _json(response: requests.Response) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = response.json()
        except ValueError:
            answer = {}
        if not response.ok:
            why = answer.get("error_description") or answer.get("detail") or response.reason
            raise ProtocolError(f"{response.status_code} from {_split(response.url)[1]}: {why}")
        return answer


def decode(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT, for display. An app must not rely on them: only the API verifies the token."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


class _Callback:
    """Listens on a free loopback port for one redirect (RFC 8252 §7.3)."""

    def __enter__(self) -> "_Callback":
        self._answer: Queue[dict[str, str]] = Queue()
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                found = url.path == "/callback"  # browsers ask for /favicon.ico and the like, too
                if found:
                    answer.put(dict(parse_qsl(url.query)))
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(THANKS if found else b"")

            def log_message(self, format: str, *args: Any) -> None:
                """Logs nothing, because the path contains the code."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_port}/callback"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> dict[str, str]:
        return self._answer.get()


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
