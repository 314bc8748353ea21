"""Mutual TLS (RFC 8705): client authentication by certificate, and tokens bound to one, behind a proxy that passes the
certificate on. Every request in these tests passes through the WSGI wrapper of the site.
"""

import base64
from urllib.parse import quote, urlencode

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from config.server.proxy import CLIENT_CERTIFICATE, UNKNOWN_PROXY, behind_proxies
from oauth import addresses
from oauth.clients.registration import ceiling, metadata
from oauth.models import InitialAccessToken
from tests.lib import certificates
from tests.lib.client_keys import ClientKey, by
from tests.lib.dpop import proof
from tests.lib.oauth_client import VERIFIER, allow, decoded
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

CA = certificates.authority()
INTERMEDIATE = certificates.make("CN=Intermediate", by=CA, is_authority=True)
DN = "CN=client,O=Example"
CERTIFICATE = certificates.make(DN, by=CA, sans=(certificates.SANS["san_dns"]("client.example"),))
OWN = certificates.make("CN=own")
FORM = "application/x-www-form-urlencoded"
SECRET = "a-secret-of-the-proxies-that-no-client-knows"
PROXY, STRANGER = "10.0.0.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def _mutual_tls(settings):
    settings.OAUTH = {
        **settings.OAUTH, "CLIENT_CERTIFICATE": "config.server.proxy.client_certificate",
        "CLIENT_CERTIFICATE_AUTHORITIES": CA.pem,
    }  # fmt: skip


def environ(certificate, *, peer=PROXY, chain=()):
    """Returns the environ that the wrapper makes from the headers, for the test client."""
    seen = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    parts = [f"by=_{SECRET}"]
    if certificate is not None:
        written = certificate if isinstance(certificate, str) else certificate.header
        parts.append(f'cert="{written}"')
    if chain:
        parts.append(f'chain="{", ".join(one.header for one in chain)}"')
    seen["HTTP_FORWARDED"] = ";".join(parts)
    behind_proxies(lambda *_: [], trusted=["10.0.0.0/8"], secrets=[SECRET])(seen, None)
    del seen["wsgi.url_scheme"]  # the test client sets its own
    return seen


def token(client, certificate, *, chain=(), peer=PROXY, headers=None, **form):
    body = {"grant_type": "client_credentials", "client_id": client.client_id, **form}
    body = {name: value for name, value in body.items() if value is not None}
    return Browser(raise_request_exception=False).post(
        "/oauth/token", urlencode(body), content_type=FORM, headers=headers or {},
        **environ(certificate, chain=chain, peer=peer),
    )  # fmt: skip


def accounts(access_token, certificate, scheme="Bearer", headers=None):
    return Browser().get(
        "/api/v1/accounts",
        headers={"Authorization": f"{scheme} {access_token}", **(headers or {})},
        **environ(certificate),
    )


def made(kind="service", **values):
    client = make_client(kind, **values)
    client.full_clean()
    client.save()
    return client


@pytest.fixture
def issued(signing_keys):
    """A client that is registered with the subject of a certificate of the authority. Its tokens are bound to the
    certificate.
    """
    return made(
        token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=DN,
        tls_client_certificate_bound_access_tokens=True, allowed_scopes=["accounts:read"],
    )  # fmt: skip


@pytest.fixture
def self_signed(signing_keys):
    key = {**ClientKey("ES256").public, "x5c": [base64.b64encode(OWN.der).decode()]}
    return made(
        token_endpoint_auth_method="self_signed_tls_client_auth", client_jwks={"keys": [key]},
        tls_client_certificate_bound_access_tokens=True, allowed_scopes=["accounts:read"],
    )  # fmt: skip


def test_a_client_is_its_certificate_and_its_token_is_bound_to_it(issued):
    answer = token(issued, CERTIFICATE)
    assert answer.status_code == 200, answer.content
    assert answer.json()["token_type"] == "Bearer"
    access_token = answer.json()["access_token"]
    assert len(decoded(access_token)["cnf"]["x5t#S256"]) == 43
    assert accounts(access_token, CERTIFICATE).status_code == 200


def test_asvs_10_3_5_a_bound_token_is_refused_without_its_certificate(issued):
    """RFC 8705 §3."""
    access_token = token(issued, CERTIFICATE).json()["access_token"]
    for certificate in (None, OWN, certificates.make(DN, by=CA)):
        answer = accounts(access_token, certificate)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert accounts(access_token, CERTIFICATE, "DPoP", {"DPoP": proof()}).status_code == 401


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        OWN,
        certificates.make(DN),  # signs for itself
        certificates.make(DN, by=certificates.authority()),  # an authority of the same name, with another key
        certificates.make("CN=another,O=Example", by=CA),
        certificates.make("O=Example,CN=client", by=CA),
        certificates.make(DN, by=CA, days=-1),
        certificates.make(DN, by=CA, usage=ExtendedKeyUsageOID.SERVER_AUTH),
        certificates.make(DN, by=CA, rsa_bits=1024),
        certificates.make(DN, by=CERTIFICATE),  # a client is not an authority
        ":bm8gY2VydGlmaWNhdGU=:", ":!!!:", "nonsense", "::",
    ],
)  # fmt: skip
def test_no_other_certificate_is_this_client(issued, certificate):
    """RFC 8705 §2.1."""
    answer = token(issued, certificate)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_forged_header_from_an_untrusted_peer_is_ignored(issued):
    """RFC 9440 §4, RFC 9700 §4.13."""
    assert token(issued, CERTIFICATE, peer=STRANGER).status_code == 401
    assert CLIENT_CERTIFICATE not in environ(CERTIFICATE, peer=STRANGER)
    seen = {"REMOTE_ADDR": PROXY, "HTTP_CLIENT_CERT": CERTIFICATE.header}
    behind_proxies(lambda *_: [], trusted=[PROXY], secrets=[SECRET])(seen, None)
    assert seen == {"REMOTE_ADDR": PROXY, UNKNOWN_PROXY: True}


def test_an_intermediate_comes_with_the_chain(issued):
    certificate = certificates.make(DN, by=INTERMEDIATE)
    assert token(issued, certificate).status_code == 401
    assert token(issued, certificate, chain=[INTERMEDIATE]).status_code == 200


def test_nginx_writes_a_pem_with_percent_encoding(issued):
    assert token(issued, quote(CERTIFICATE.pem)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("san_dns", "client.example", "client.example.org"),
        ("san_uri", "https://client.example/a", "https://client.example/b"),
        ("san_ip", "192.0.2.1", "192.0.2.2"),
        ("san_email", "client@example.test", "other@example.test"),
    ],
)
def test_a_client_may_be_known_by_another_name(signing_keys, kind, name, other):
    client = made(
        token_endpoint_auth_method="tls_client_auth", allowed_scopes=["accounts:read"],
        **{f"tls_client_auth_{kind}": name},
    )  # fmt: skip
    assert token(client, certificates.make(by=CA, sans=(certificates.SANS[kind](name),))).status_code == 200
    assert token(client, certificates.make(by=CA, sans=(certificates.SANS[kind](other),))).status_code == 401
    assert token(client, CERTIFICATE if kind != "san_dns" else certificates.make(DN, by=CA)).status_code == 401


def test_a_self_signed_certificate_is_the_registered_one_byte_for_byte(self_signed):
    """RFC 8705 §2.2."""
    assert token(self_signed, OWN).status_code == 200
    assert token(self_signed, certificates.make("CN=own")).status_code == 401
    assert token(self_signed, CERTIFICATE).status_code == 401
    assert token(self_signed, None).status_code == 401


@pytest.mark.parametrize("own", [certificates.make("CN=own", days=-1), certificates.make("CN=own", rsa_bits=1024)])
def test_a_self_signed_certificate_that_is_expired_or_weak_is_refused(self_signed, own):
    self_signed.client_jwks["keys"][0]["x5c"] = [base64.b64encode(own.der).decode()]
    self_signed.save()
    assert token(self_signed, own).status_code == 401


def test_asvs_10_4_10_only_the_registered_method_authenticates(issued, web_app, signing_keys):
    assert token(issued, CERTIFICATE, client_secret="x").status_code == 401
    assert token(web_app, CERTIFICATE).status_code == 401  # a certificate is not a secret


def test_without_the_setting_no_certificate_counts(issued, settings):
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CERTIFICATE": None}
    assert token(issued, CERTIFICATE).status_code == 401
    document = Browser().get("/.well-known/oauth-authorization-server").json()
    assert "tls_client_auth" not in document["token_endpoint_auth_methods_supported"]
    assert "mtls_endpoint_aliases" not in document
    assert "tls_client_certificate_bound_access_tokens" not in document
    with pytest.raises(ValidationError):
        issued.full_clean()


def test_without_an_authority_only_self_signed_ones_count(issued, self_signed, settings):
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CERTIFICATE_AUTHORITIES": ""}
    assert token(issued, CERTIFICATE).status_code == 401
    assert token(self_signed, OWN).status_code == 200


def test_the_metadata_name_the_aliases_where_they_are_set(settings):
    settings.OAUTH = {**settings.OAUTH, "MTLS_ORIGIN": "https://mtls.example"}
    document = Browser().get("/.well-known/openid-configuration").json()
    assert document["mtls_endpoint_aliases"]["token_endpoint"] == "https://mtls.example/oauth/token"
    assert document["tls_client_certificate_bound_access_tokens"] is True
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(document["token_endpoint_auth_methods_supported"])


ALIAS = "https://mtls.example"


def test_a_proof_may_name_the_alias_of_an_endpoint(issued, settings):
    """RFC 8705 §5, RFC 9449 §4.3: `htu` may be either of the two URLs of an endpoint, and no other."""
    settings.OAUTH = {**settings.OAUTH, "MTLS_ORIGIN": ALIAS}
    for htu in (f"{ALIAS}/oauth/token", f"{settings.OAUTH['ISSUER']}/oauth/token"):
        answer = token(issued, CERTIFICATE, headers={"DPoP": proof(url=htu)})
        assert answer.status_code == 200, answer.content
    for htu in (f"{ALIAS}/oauth/par", "https://other.example/oauth/token", f"{ALIAS}/api/v1"):
        answer = token(issued, CERTIFICATE, headers={"DPoP": proof(url=htu)})
        assert answer.json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/api/v1/accounts"])
def test_a_proof_may_name_the_alias_of_a_resource(settings, browser, web_app, token_endpoint, path):
    settings.OAUTH = {**settings.OAUTH, "MTLS_ORIGIN": ALIAS}
    code = allow(browser, web_app, scope="openid accounts:read")
    issued = token_endpoint.redeem(web_app, code, headers={"DPoP": proof()}).json()["access_token"]
    for origin, status in [(ALIAS, 200), (settings.OAUTH["ISSUER"], 200), ("https://other.example", 401)]:
        sent = {"DPoP": proof(url=f"{origin}{path}", method="GET", token=issued), "Authorization": f"DPoP {issued}"}
        assert Browser().get(path, headers=sent).status_code == status
    settings.OAUTH = {**settings.OAUTH, "MTLS_ORIGIN": ""}
    sent = {"DPoP": proof(url=f"{ALIAS}{path}", method="GET", token=issued), "Authorization": f"DPoP {issued}"}
    assert Browser().get(path, headers=sent).status_code == 401


def test_a_pushed_request_and_an_assertion_may_name_the_alias(settings, signing_keys, token_endpoint):
    settings.OAUTH = {**settings.OAUTH, "MTLS_ORIGIN": ALIAS}
    key = ClientKey()
    client = made(
        token_endpoint_auth_method="private_key_jwt", client_jwks={"keys": [key.public]},
        accepts_endpoint_audience=True, allowed_scopes=["accounts:read"],
    )  # fmt: skip
    for audience, status in [
        (f"{ALIAS}/oauth/token", 200), (f"{ALIAS}/oauth/backchannel_authentication", 200), (ALIAS, 401),
        ("https://other.example/oauth/token", 401),
    ]:  # fmt: skip
        form = by(key.assertion(client.client_id, aud=audience))
        assert token_endpoint.post(grant_type="client_credentials", **form).status_code == status
    named = set(Browser().get("/.well-known/openid-configuration").json()["mtls_endpoint_aliases"].values())
    assert named == {alias for name in addresses.WITH_CERTIFICATE for alias in addresses.of_endpoint(name)[1:]}


def test_a_client_registered_for_bound_tokens_gets_no_other(signing_keys):
    """RFC 8705 §3.4; not even tokens that are bound to a DPoP key instead."""
    client = made(tls_client_certificate_bound_access_tokens=True, allowed_scopes=["accounts:read"])
    secret = client.issue_secret()
    client.save()
    basic = {"Authorization": "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()}
    assert token(client, None, headers=basic).json()["error"] == "invalid_request"
    assert token(client, None, headers={**basic, "DPoP": proof()}).json()["error"] == "invalid_request"
    both = token(client, OWN, headers={**basic, "DPoP": proof()}).json()
    assert decoded(both["access_token"])["cnf"].keys() == {"jkt", "x5t#S256"}


def test_fapi_2_0_by_certificate_alone(browser, signing_keys):
    """FAPI 2.0 §5.3.2.1: the client uses mutual TLS both to authenticate and to bind its tokens."""
    client = made(
        "web", token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=DN, security_profile="fapi2",
    )  # fmt: skip
    pushed = Browser().post(
        "/oauth/par",
        urlencode({
            "client_id": client.client_id, "redirect_uri": "https://app.example/callback", "response_type": "code",
            "scope": "accounts:read", "code_challenge": "a" * 43, "code_challenge_method": "S256",
        }),
        content_type=FORM, **environ(CERTIFICATE),
    )  # fmt: skip
    assert pushed.status_code == 201, pushed.content
    without = Browser().post(
        "/oauth/par", urlencode({"client_id": client.client_id}), content_type=FORM, **environ(None)
    )
    assert without.json()["error"] == "invalid_client"


def test_a_public_clients_refresh_token_is_bound_to_its_certificate(browser, signing_keys):
    """RFC 8705 §7.1."""
    app = made("mobile", tls_client_certificate_bound_access_tokens=True)
    form = {
        "grant_type": "authorization_code", "code": allow(browser, app), "code_verifier": VERIFIER,
        "redirect_uri": "https://app.example/callback",
    }  # fmt: skip
    refresh_token = token(app, OWN, **form).json()["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    assert token(app, CERTIFICATE, **again).json()["error"] == "invalid_grant"
    assert token(app, OWN, **again).status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        {"token_endpoint_auth_method": "tls_client_auth"},
        {
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": DN,
            "tls_client_auth_san_dns": "a.b",
        },
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "nonsense"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "nonsense"},
        {"tls_client_auth_subject_dn": DN},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
        {"token_endpoint_auth_method": "self_signed_tls_client_auth", "client_jwks": {"keys": [ClientKey().public]}},
    ],
)
def test_an_incomplete_certificate_registration_is_refused(db, values):
    """RFC 8705 §2.1.2, §2.2.2."""
    with pytest.raises(ValidationError):
        make_client("service", **values).full_clean()


def test_it_is_registered_dynamically(db):
    client = make_client("service")
    document = {
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": DN,
        "tls_client_certificate_bound_access_tokens": True, "grant_types": ["client_credentials"],
    }  # fmt: skip
    metadata.apply(client, document, ceiling.of_token(InitialAccessToken(grant_types=["client_credentials"])))
    client.save()
    assert document.items() <= metadata.render(client).items()
