"""requests-oauthlib, as its documentation's "Web Application Flow" and "Refreshing tokens", with PKCE.

Without a secret it still sends `Authorization: Basic` with the client_id and an empty password.
"""

import os

from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session
from user import count_accounts, open_url, report

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the redirect URI is http on loopback (RFC 8252 §7.3)
issuer, client_id = os.environ["ISSUER"], os.environ["CLIENT_ID"]
secret = os.environ.get("CLIENT_SECRET")
saved: list[dict] = []
session = OAuth2Session(
    client_id,
    redirect_uri=os.environ["REDIRECT_URI"],
    scope=["openid", "email", "accounts:read", "offline_access"],
    pkce="S256",
    auto_refresh_url=f"{issuer}/oauth/token",
    auto_refresh_kwargs={"client_id": client_id, **({"client_secret": secret} if secret else {})},
    token_updater=saved.append,
)
url, _state = session.authorization_url(f"{issuer}/oauth/authorize")
callback = open_url(url)
first = session.fetch_token(f"{issuer}/oauth/token", authorization_response=callback, client_secret=secret)
accounts = count_accounts(session)

session.token = {**first, "expires_in": -1, "expires_at": 1}
assert count_accounts(session) == accounts
email = session.get(f"{issuer}/oauth/userinfo").json()["email"]

body = {"token": saved[-1].get("refresh_token", first["refresh_token"]), "client_id": client_id}
revoked = session.post(
    f"{issuer}/oauth/revoke", data=body | ({"client_secret": secret} if secret else {}), withhold_token=True
)
try:
    session.refresh_token(f"{issuer}/oauth/token")
    refused = "accepted"
except OAuth2Error as error:
    refused = error.error
report(
    user=email, accounts=accounts, refreshed=saved[-1]["access_token"] != first["access_token"],
    revoked=revoked.status_code, refused=refused,
)  # fmt: skip
