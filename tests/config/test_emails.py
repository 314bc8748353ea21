"""Every email of the site, in every language: HTML in the site's look, and the same as plain text (see tests/lib/emails.py)."""

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import mail
from django.template.loader import get_template, render_to_string
from django.utils import translation

from accounts.notices import notice
from accounts.notices.kinds import SENTENCES
from banking import tasks
from banking.models import AccountApplication, Payee, Product
from banking.notices.kinds import Kind
from oauth.infrastructure import emails
from oauth.models import Branding
from tests.lib.emails import check_email, html_of
from tests.lib.staff import officer

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]
URL = "https://bank.example/accounts/x"
OF_ALLAUTH = {
    "login_code": {"code": "ABCD-EFGH"},
    "email_confirmation": {"activate_url": URL},
    "email_confirmation_signup": {"activate_url": URL},
    "password_reset_key": {"password_reset_url": URL},
    "invitation": {"password_reset_url": URL},
    "staff_reset": {"password_reset_url": URL},
    "unknown_account": {"signup_url": URL},
    "account_already_exists": {"password_reset_url": URL},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", OF_ALLAUTH)
def test_emails_about_logging_in(name, language):
    with translation.override(language):
        context = {"email": "alice@example.test", **OF_ALLAUTH[name]}
        html = check_email(get_adapter().render_mail(f"account/email/{name}", "alice@example.test", context))
    assert html.html["lang"] == language
    assert html.select(".code" if name == "login_code" else "a.button")


@pytest.mark.parametrize("language", LANGUAGES)
def test_notices_about_a_user_account(alice, language):
    for kind in SENTENCES:
        notice.send_notice(
            kind, str(alice.pk), "", "2026-11-29T01:24:00+00:00", "192.0.2.1", "Firefox", language,
            {"app": "An <app>"},
        )  # fmt: skip
    assert len(mail.outbox) == len(SENTENCES)
    for one in mail.outbox:
        assert check_email(one).html["lang"] == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_notices_of_the_bank(alice, language):
    alice.language = language
    alice.save()
    payee = Payee.objects.create(user=alice, name="Dora Demir", iban="DE89370400440532013000")
    tasks.tell_owner(kind=Kind.NEW_PAYEE, about=str(payee.pk))
    clerk = officer("clerk", "decide_accountapplication")
    clerk.language = language
    clerk.save()
    product = Product.objects.create(name="Saver", kind="savings", currency="EUR", is_on_offer=True)
    application = AccountApplication.objects.create(user=alice, product=product, name="Mine")
    tasks.tell_owner(kind=Kind.APPLICATION_MADE, about=str(application.pk), to=str(clerk.pk))
    assert len(mail.outbox) == 2
    for one in mail.outbox:
        assert check_email(one).html["lang"] == language


def test_every_plain_text_has_an_html_twin():
    """A message that is added later must not be forgotten."""
    folder = settings.BASE_DIR / "templates/account/email"
    texts = {file.stem for file in folder.glob("*.txt") if not file.stem.endswith("_subject")}
    assert texts <= {file.stem for file in folder.glob("*.html")}


def test_an_email_has_the_name_and_the_color_of_the_brand(mailoutbox):
    Branding.objects.create(name="Fern & Bank", color="#7a1f5c")
    emails.send("Subject", "Hello,\n\nthere", to=["alice@example.test"])
    source = str(html_of(mailoutbox[0]))
    assert "Fern &amp; Bank" in source
    emails.send("Subject", "Hello", to=["alice@example.test"], context={"page_url": URL, "page_label": "Go"})
    assert "background:#7a1f5c" in str(html_of(mailoutbox[1]).select_one("a.button"))


def test_a_text_of_an_app_is_text_and_no_link(mailoutbox):
    emails.send("Subject", "An app says: <a href='https://evil.example'>go</a>", to=["alice@example.test"])
    assert not html_of(mailoutbox[0]).select("a")


def test_a_project_replaces_a_template(settings, tmp_path, alice):
    """docs/adopting.md: a template of the project's own counts instead."""
    (tmp_path / "oauth/email").mkdir(parents=True)
    (tmp_path / "oauth/email/base.html").write_text("<html><h1>Ours</h1>{% block body %}{% endblock %}</html>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    assert "Ours" in render_to_string("account/email/notice.html", {"security_url": URL})
    assert get_template("oauth/email/message.html")
