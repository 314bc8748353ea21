"""A branded site is called by its own name wherever users and staff read one."""

import os
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from django.core.mail import EmailMessage, send_mail

from accounts.second_factors.stored_secrets import SecondFactorAdapter
from oauth.models import Branding
from oauth.pages import brand
from tests.lib.servers import ROOT
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db
NAME = "Sparkasse Würzburg"


@pytest.fixture
def branded():
    Branding(name=NAME).save()


def sender_of(message):
    """The sender as the recipient reads it."""
    return str(message.message()["From"])


@pytest.mark.usefixtures("branded")
class TestBranded:
    def test_emails_come_from_it(self, client, alice, mailoutbox):
        client.post("/accounts/password/reset/", {"email": alice.email})
        send_mail("A subject", "text", None, [alice.email])
        EmailMessage("A subject", "text", to=[alice.email]).send()
        assert len(mailoutbox) == 3
        for message in mailoutbox:
            assert str(message.from_email) == brand.sender("no-reply@localhost")
            assert "=?utf-8?q?Sparkasse_W=C3=BCrzburg?= <no-reply@localhost>" in sender_of(message)

    def test_a_name_cannot_add_a_header(self, alice, mailoutbox):
        Branding(name="Bank\r\nBcc: eve@example.com").save()
        send_mail("A subject", "text", None, [alice.email])
        assert mailoutbox[0].message()["Bcc"] is None

    def test_authenticator_apps_and_passkeys_are_listed_under_it(self, alice):
        adapter = SecondFactorAdapter()
        assert adapter.get_totp_issuer() == NAME
        assert "Sparkasse" in adapter.build_totp_url(alice, "JBSWY3DPEHPK3PXP")
        assert adapter._get_site_name() == NAME

    def test_the_admin_is_titled_with_it(self):
        page = BeautifulSoup(browser_of(staff("superuser")).get("/admin/").content, "html.parser")
        assert NAME in page.title.text
        assert "Countersign" not in page.title.text
        assert page.select_one("#site-name").text.strip() == NAME


def test_an_operator_may_name_another_sender():
    code = "from django.conf import settings; print(settings.DEFAULT_FROM_EMAIL)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "DEFAULT_FROM_EMAIL": "Bank <mail@bank.example>"},
    )  # fmt: skip
    assert answer.stdout.strip() == "Bank <mail@bank.example>"


# Another worker process: it says what it shows now, and again after so many seconds of its clock.
OTHER_PROCESS = """
import sys, time
import django
django.setup()
from oauth.pages import brand
start = time.monotonic()
seconds = 0.0
brand._brands._clock = lambda: start + seconds
print(brand.current().name, flush=True)
for line in sys.stdin:
    seconds = float(line)
    print(brand.current().name, flush=True)
"""


@pytest.mark.served
@pytest.mark.django_db(transaction=True)
def test_another_process_shows_a_change_within_its_time(database_url):
    Branding(name="Before").save()
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "DATABASE_URL": database_url},
    ) as other:  # fmt: skip

        def shown_after(seconds):
            other.stdin.write(f"{seconds}\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert other.stdout.readline().strip() == "Before"
        Branding(name="After").save()
        assert brand.current().name == "After"
        assert shown_after(brand.CACHED_SECONDS - 1) == "Before"
        assert shown_after(brand.CACHED_SECONDS) == "After"
        other.stdin.close()
