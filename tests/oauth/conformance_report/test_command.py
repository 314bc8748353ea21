"""`manage.py conformance_report`: text, JSON and the exit code."""

import io
import json
import secrets

import pytest
from django.core.management import CommandError, call_command

from oauth.models import Client
from oauth.models.client import new_client_id
from tests.lib.registered import make_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("conformance_report", *arguments, stdout=out)
    return out.getvalue()


def exit_code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as exit_:
        run(*arguments)
    return exit_.value.code


def test_it_reports_on_the_site_and_all_active_clients(web_app, mobile_app):
    make_client("web", name="Switched off", is_active=False).save()
    text = run()
    assert "This site (" in text
    assert f"({web_app.client_id})" in text
    assert f"({mobile_app.client_id})" in text
    assert "Switched off" not in text
    assert "not applicable" in text


def test_one_client_is_reported_alone(web_app, mobile_app):
    text = run(web_app.client_id)
    assert web_app.client_id in text
    assert mobile_app.client_id not in text
    assert "This site" not in text


def test_a_new_client_id_is_never_taken_for_an_option(monkeypatch):
    random = iter(["-begins-with-a-hyphen", "-and-so-does-this", "follows"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: next(random))
    assert new_client_id() == "follows"


def test_an_older_id_that_begins_with_a_hyphen_follows_two(web_app):
    Client.objects.filter(pk=web_app.pk).update(client_id="-older")
    assert "(-older)" in run("--", "-older")


def test_an_unknown_client_is_an_error():
    with pytest.raises(CommandError, match="no client with the ID nobody"):
        run("nobody")


def test_json_is_one_document_with_names_that_do_not_change(web_app):
    document = json.loads(run("--json"))
    site, client = document["reports"]
    assert client["about"] == web_app.client_id
    assert site["lines"][0].keys() == {
        "standard", "section", "rule", "verdict", "is_required", "reason", "change", "enforced_in",
    }  # fmt: skip
    assert {line["verdict"] for line in client["lines"]} == {"met", "not-met", "not-applicable"}
    assert sum(client["counts"].values()) == len(client["lines"])


def test_it_can_show_only_what_is_not_met(web_app):
    text = run(web_app.client_id, "--unmet")
    assert "Change: dpop_bound_access_tokens" in text
    assert "    met " not in text


def test_it_can_fail_for_requirements_or_also_for_recommendations(web_app):
    web_app.issue_secret()
    web_app.save()
    run(web_app.client_id, "--fail-on-unmet")  # bearer tokens are allowed
    assert exit_code(web_app.client_id, "--fail-on-unmet", "recommended") == 3
    type(web_app).objects.filter(pk=web_app.pk).update(redirect_uris="http://app.example/")
    assert exit_code(web_app.client_id, "--fail-on-unmet") == 3


def test_it_says_what_a_client_lacks_for_fapi(web_app):
    assert exit_code(web_app.client_id, "--standard", "fapi-2.0", "--fail-on-unmet") == 3
    assert "Change: require_pushed_authorization_requests" in run(web_app.client_id, "--standard", "fapi-2.0")


def test_many_clients_take_as_many_queries_as_few(web_app, django_assert_max_num_queries):
    for number in range(20):
        make_client("web", name=f"App {number}").save()
    with django_assert_max_num_queries(5):
        run()
