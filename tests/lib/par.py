"""A client that uses pushed authorization requests."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client as Browser

from tests.lib.oauth_client import authorization_url


def push(client, *, secret=None, headers=None, **parameters):
    """Pushes an authorization request; returns the response of /oauth/par."""
    query = dict(parse_qsl(urlsplit(authorization_url(client, **parameters)).query))
    secret = secret or getattr(client, "secret", None)
    credentials = {"client_secret": secret} if secret else {}
    return Browser(raise_request_exception=False).post(
        "/oauth/par",
        urlencode(query | credentials),
        content_type="application/x-www-form-urlencoded",
        headers=headers or {},
    )


def page_of(browser, client, request_uri, **more):
    return browser.get(
        "/oauth/authorize?" + urlencode({"client_id": client.client_id, "request_uri": request_uri, **more})
    )
