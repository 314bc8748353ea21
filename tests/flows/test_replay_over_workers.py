"""Single-use values can be used only once in all worker processes together: DPoP proofs (RFC 9449 §11.1) and assertions
(RFC 7523 §3).
"""

import base64
import hashlib
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests

from tests.lib import person
from tests.lib.client_keys import ClientKey, by
from tests.lib.oauth_client import CHALLENGE, VERIFIER

pytestmark = pytest.mark.served

AT_ONCE = 12
KEY = ClientKey(kid=None)
CALLBACK = "http://127.0.0.1:51234/callback"


def proof(method, url, nonce, token=None):
    claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time()), "nonce": nonce}
    if token:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    return KEY.sign(claims, typ="dpop+jwt", jwk=KEY.jwk.export_public(as_dict=True))


def all_at_once(send):
    """Sends each request on its own connection, which the kernel gives to one of the worker processes. Returns the
    status codes.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(answer.status_code for answer in pool.map(lambda _: send(), range(AT_ONCE)))


def test_a_proof_counts_once_at_the_token_endpoint_and_at_the_api(live):
    query = {
        "client_id": "demo-mobile", "redirect_uri": CALLBACK, "response_type": "code", "scope": "accounts:read",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    came_back = person.answer(f"{live.url}/oauth/authorize?{urlencode(query)}", returns_to=CALLBACK)
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(came_back).query)["code"][0],
        "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "client_id": "demo-mobile",
    }  # fmt: skip
    token_url, accounts = f"{live.url}/oauth/token", f"{live.url}/api/v1/accounts"
    nonce = requests.post(token_url, form, headers={"DPoP": proof("POST", token_url, "")}).headers["DPoP-Nonce"]
    tokens = requests.post(token_url, form, headers={"DPoP": proof("POST", token_url, nonce)}).json()
    headers = {"Authorization": f"DPoP {tokens['access_token']}"}

    sent = proof("GET", accounts, nonce, tokens["access_token"])
    assert all_at_once(lambda: requests.get(accounts, headers={**headers, "DPoP": sent})) == [200] + [401] * 11
    again = proof("POST", token_url, nonce)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "demo-mobile"}
    assert all_at_once(lambda: requests.post(token_url, form, headers={"DPoP": again})) == [200] + [400] * 11


def test_an_assertion_counts_once(live):
    jwk = json.loads((live.data_dir / "clients.json").read_text())["demo-fapi"]["private_key"]
    now = int(time.time())
    claims = {
        "iss": "demo-fapi", "sub": "demo-fapi", "aud": live.url, "iat": now, "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    }  # fmt: skip
    key = jwt.PyJWK(jwk, "ES256").key
    assertion = jwt.encode(claims, key, "ES256", headers={"kid": jwk["kid"]})
    form = {"client_id": "demo-fapi", **by(assertion)}
    # The request is unsigned, so an authenticated client gets 400. The other requests fail client authentication.
    assert all_at_once(lambda: requests.post(f"{live.url}/oauth/par", form)) == [400] + [401] * 11
