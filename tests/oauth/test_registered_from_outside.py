"""A site registers a response mode or its own details type with one setting, and changes nothing else."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from bs4 import BeautifulSoup

from oauth.authorization_details import DetailsType, Question, Summary
from oauth.authorize.response_modes import Form, Page, Redirect, ResponseMode
from oauth.models import Authorization
from tests.lib.oauth_client import authorization_url, callback, decide, decoded

pytestmark = pytest.mark.django_db


class InPath(ResponseMode):
    """A response mode of the site: the parameters are path segments."""

    def deliver(self, redirect_uri, parameters):
        parts = urlsplit(redirect_uri)
        return Redirect(urlunsplit(parts._replace(path=f"{parts.path}/{urlencode(parameters)}")))


class OtherForm(ResponseMode):
    def deliver(self, redirect_uri, parameters):
        return Form(redirect_uri, {"response": json.dumps(dict(parameters))})


class Script(ResponseMode):
    """Like the web_message mode of other servers: a page of this site hands the response over."""

    def deliver(self, redirect_uri, parameters):
        return Page("oauth/form_post.html", {"action": redirect_uri, "parameters": {"by": "script", **parameters}})


@pytest.fixture
def response_modes(settings):
    modes = {name: f"{__name__}.{mode.__name__}" for name, mode in
             {"in_path": InPath, "other_form": OtherForm, "script": Script}.items()}  # fmt: skip
    settings.OAUTH = {**settings.OAUTH, "RESPONSE_MODES": modes}


def in_path(answer):
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(answer["Location"].rpartition("/")[2]).items()}


def test_a_registered_mode_is_in_the_metadata_and_can_be_signed(response_modes, client):
    modes = client.get("/.well-known/openid-configuration").json()["response_modes_supported"]
    assert {"in_path", "in_path.jwt", "query", "form_post", "jwt"} <= {*modes}


def test_a_registered_mode_carries_the_code_and_errors(response_modes, browser, mobile_app, token_endpoint):
    page = browser.get(authorization_url(mobile_app, response_mode="in_path"))
    answer = in_path(decide(browser, page))
    assert answer["state"] == "the-state"
    assert answer["iss"]
    assert token_endpoint.redeem(mobile_app, answer["code"]).status_code == 200
    page = browser.get(authorization_url(mobile_app, response_mode="in_path"))
    assert in_path(decide(browser, page, "deny"))["error"] == "access_denied"
    wrong = in_path(browser.get(authorization_url(mobile_app, response_mode="in_path", code_challenge=None)))
    assert wrong["error"] == "invalid_request"


def test_a_registered_mode_can_be_signed(response_modes, browser, mobile_app):
    """JARM §2.3: the response contains only the JWT."""
    answer = in_path(decide(browser, browser.get(authorization_url(mobile_app, response_mode="in_path.jwt"))))
    assert answer.keys() == {"response"}
    assert decoded(answer["response"])["aud"] == mobile_app.client_id


def test_a_registered_mode_may_post_a_form_or_show_a_page(response_modes, browser, mobile_app):
    for mode, field in (("other_form", "response"), ("script", "by")):
        page = decide(browser, browser.get(authorization_url(mobile_app, response_mode=mode)))
        assert page.status_code == 200
        assert BeautifulSoup(page.content, "html.parser").select_one(f"input[name={field}]")


def test_an_error_of_a_stranger_is_shown_and_not_handed_to_a_page(response_modes, client, mobile_app):
    """RFC 9700 §4.11.2: no user is logged in, and staff have not checked the client."""
    mobile_app.registration_source = "dcr"
    mobile_app.save()
    answer = client.get(authorization_url(mobile_app, response_mode="script", code_challenge=None))
    assert answer.status_code == 400
    assert b'name="by"' not in answer.content


def test_a_mode_is_offered_only_while_it_is_registered(browser, mobile_app):
    answer = callback(browser.get(authorization_url(mobile_app, response_mode="in_path")))
    assert answer["error"] == "invalid_request"


def test_a_site_cannot_replace_a_built_in_mode(settings, browser, mobile_app):
    settings.OAUTH = {**settings.OAUTH, "RESPONSE_MODES": {"query": f"{__name__}.InPath"}}
    assert "code" in callback(decide(browser, browser.get(authorization_url(mobile_app, response_mode="query"))))


class Loan(DetailsType):
    """A details type of the site, with a question on the consent page and its own lifetime."""

    schema = {
        "type": "object",
        "properties": {"type": {"const": "loan"}, "months": {"type": "integer"}},
        "required": ["type", "months"],
        "additionalProperties": False,
    }

    def lifetime(self, detail):
        return timedelta(days=1)

    def question(self, detail, user):
        return Question(title="Ask for a loan", sentences=[f"Over {detail['months']} months"])

    def summary(self, detail):
        return Summary(title="Ask for a loan")

    def granted(self, detail, user, client_id, chosen):
        return {**detail, "approved": True}


def test_a_registered_details_type_is_asked_granted_and_carried_in_tokens(
    settings, browser, mobile_app, token_endpoint, client
):
    settings.OAUTH = {**settings.OAUTH, "AUTHORIZATION_DETAILS_TYPES": {"loan": f"{__name__}.Loan"}}
    metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["authorization_details_types_supported"] == ["loan"]
    mobile_app.authorization_details_types = ["loan"]
    mobile_app.save()
    asked = json.dumps([{"type": "loan", "months": 12}])
    page = browser.get(authorization_url(mobile_app, authorization_details=asked))
    assert b"Over 12 months" in page.content
    code = callback(decide(browser, page))["code"]
    tokens = token_endpoint.redeem(mobile_app, code).json()
    loan = {"type": "loan", "months": 12, "approved": True}
    assert tokens["authorization_details"] == [loan]
    assert decoded(tokens["access_token"])["authorization_details"] == [loan]
    assert b"Ask for a loan" in browser.get(f"/oauth/apps/{mobile_app.pk}").content
    authorization = Authorization.objects.get()
    assert authorization.expires_at - authorization.created_at <= timedelta(days=1)
