"""A project that includes the URLs of `oauth` below a path, with an issuer that has this path (RFC 8414 §3.1)."""

from urllib.parse import urlencode, urlsplit

import pytest
from django.urls import include, path

from oauth import addresses
from oauth.checks.project import check_project
from oauth.conf import conf
from tests.lib import dpop
from tests.lib.oauth_client import CHALLENGE, VERIFIER, callback, decoded, form_fields

pytestmark = pytest.mark.django_db
ORIGIN = "https://login.example"
ISSUER = f"{ORIGIN}/id"
FORM = "application/x-www-form-urlencoded"


class Mounted:
    urlpatterns = [
        path("", include("oauth.well_known")),
        path("id/", include("oauth.urls")),
        path("", include("banking.urls")),
        path("", include("accounts.urls")),
    ]


@pytest.fixture
def mounted(settings):
    settings.ROOT_URLCONF = Mounted
    settings.ALLOWED_HOSTS = ["login.example", "testserver"]
    settings.OAUTH = {**settings.OAUTH, "ISSUER": ISSUER, "RESOURCES": {f"{ORIGIN}/api/v1": {"name": "API"}}}


@pytest.mark.usefixtures("mounted")
class TestMounted:
    def test_the_site_is_right(self):
        assert check_project() == []

    def test_the_metadata_is_at_both_addresses(self, client):
        found = [
            client.get(url).json()
            for url in (
                "/.well-known/oauth-authorization-server/id",
                "/.well-known/openid-configuration/id",
                "/id/.well-known/openid-configuration",
            )
        ]
        assert found[0] == found[1] == found[2]
        assert found[0]["issuer"] == ISSUER
        for name, url in found[0].items():
            if name.endswith(("_endpoint", "_uri")):
                assert client.get(url.removeprefix(ORIGIN)).status_code != 404

    @pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
    @pytest.mark.parametrize("other", ["/id/", "/other", "/id/oauth", "/ID"])
    def test_another_issuer_is_not_here(self, client, name, other):
        """RFC 8414 §3.3: the answer would name another issuer than the requested one."""
        assert client.get(f"/.well-known/{name}{other}").status_code == 404

    def test_the_whole_story(self, browser, mobile_app, client):
        asked = {
            "client_id": mobile_app.client_id, "redirect_uri": "https://app.example/callback", "response_type": "code",
            "scope": "openid accounts:read", "state": "s", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }  # fmt: skip
        page = browser.get(f"/id/oauth/authorize?{urlencode(asked)}")
        if page.status_code == 303:
            page = browser.get(page["Location"])
        assert page.status_code == 200, page
        fields = {**form_fields(page.content), "decision": "allow"}
        answer = callback(browser.post("/id/oauth/authorize", urlencode(fields), content_type=FORM))
        assert answer["iss"] == ISSUER

        token_endpoint = f"{ISSUER}/oauth/token"
        form = {
            "grant_type": "authorization_code", "code": answer["code"], "code_verifier": VERIFIER,
            "redirect_uri": "https://app.example/callback", "client_id": mobile_app.client_id,
        }  # fmt: skip
        proof = dpop.proof(url=token_endpoint)
        tokens = client.post("/id/oauth/token", urlencode(form), content_type=FORM, headers={"DPoP": proof}).json()
        claims = decoded(tokens["access_token"])
        assert claims["iss"] == ISSUER
        assert claims["status"]["status_list"]["uri"].startswith(f"{ISSUER}/oauth/status/")

        proof = dpop.proof(url=f"{ISSUER}/oauth/userinfo", method="GET", token=tokens["access_token"])
        headers = {"DPoP": proof, "Authorization": f"DPoP {tokens['access_token']}"}
        assert client.get("/id/oauth/userinfo", headers=headers).json()["sub"] == claims["sub"]

        out = browser.get(f"/id/oauth/logout?{urlencode({'id_token_hint': tokens['id_token']})}")
        assert b"You are logged out" in out.content

    def test_a_proof_for_the_address_without_the_path_is_refused(self, client, mobile_app):
        """RFC 9449 §4.3: htu is the address that the metadata names."""
        form = urlencode({"grant_type": "refresh_token", "refresh_token": "x", "client_id": mobile_app.client_id})
        headers = {"DPoP": dpop.proof(url=f"{ORIGIN}/oauth/token")}
        answer = client.post("/id/oauth/token", form, content_type=FORM, headers=headers)
        assert answer.json()["error"] == "invalid_dpop_proof"

    def test_pages_lead_to_pages_below_the_path(self, browser, client):
        assert urlsplit(client.get("/id/oauth/apps")["Location"]).query == "next=/id/oauth/apps"
        assert browser.post("/id/oauth/apps", {"client_id": "unknown"})["Location"] == "/id/oauth/apps"
        posted = client.post("/id/oauth/logout", "", content_type=FORM)
        assert posted["Location"].startswith("/id/oauth/logout?interaction=")


def test_the_alias_for_certificates_has_the_path_too(settings):
    """RFC 8705 §5."""
    given = {"ISSUER": ISSUER, "MTLS_ORIGIN": "https://mtls.example", "CLIENT_CERTIFICATE": "x"}
    settings.OAUTH = {**settings.OAUTH, **given}
    assert addresses.aliases()["token_endpoint"] == "https://mtls.example/id/oauth/token"
    assert addresses.of_endpoint("token_endpoint") == (f"{ISSUER}/oauth/token", "https://mtls.example/id/oauth/token")
    userinfo = addresses.of_path(conf.issuer_origin, "/id/oauth/userinfo")
    assert userinfo == addresses.of_endpoint("userinfo_endpoint")


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        ([path("", include("oauth.urls"))], 'path("id/", include("oauth.urls"))'),
        ([path("id/", include("oauth.urls"))], 'path("", include("oauth.well_known"))'),
    ],
)
def test_urls_that_do_not_match_the_issuer_are_an_error(settings, mounted, patterns, says):
    class URLs:
        urlpatterns = [*patterns, path("", include("accounts.urls"))]

    settings.ROOT_URLCONF = URLs
    assert [(one.id, says in one.hint) for one in check_project()] == [("oauth.E029", True)]
