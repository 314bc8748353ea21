"""A third-party app: it registers itself, sends its user to log in, and calls the API with the token."""

import base64
import hashlib
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

ISSUER = os.environ.get("ISSUER", "http://localhost:8000")


class Callback(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.answer = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write("Zurück in der App.".encode())

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Callback)
redirect_uri = f"http://127.0.0.1:{server.server_port}/callback"
client = requests.post(
    f"{ISSUER}/oauth/register",
    headers={"Authorization": f"Bearer {sys.argv[1]}"},
    json={
        "client_name": "Röstplaner",
        "redirect_uris": [redirect_uri],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "scope": "orders:read",
    },
    timeout=5,
).json()

verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
request = {
    "response_type": "code",
    "client_id": client["client_id"],
    "redirect_uri": redirect_uri,
    "scope": "orders:read",
    "state": state,
    "code_challenge": challenge,
    "code_challenge_method": "S256",
}
print(f"Open {ISSUER}/oauth/authorize?{urlencode(request)}", flush=True)
server.answer = {}
while "state" not in server.answer:
    server.handle_request()

if server.answer["state"] != state or server.answer["iss"] != ISSUER or "code" not in server.answer:
    sys.exit(f"refused: {server.answer}")
token = requests.post(
    f"{ISSUER}/oauth/token",
    data={
        "grant_type": "authorization_code",
        "client_id": client["client_id"],
        "redirect_uri": redirect_uri,
        "code": server.answer["code"],
        "code_verifier": verifier,
    },
    timeout=5,
).json()
orders = requests.get(f"{ISSUER}/api/orders", headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=5)
print(orders.status_code, orders.text)
