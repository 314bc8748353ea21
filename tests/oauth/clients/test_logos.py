"""Logos of clients: what is fetched, how the picture is drawn again, and where it is shown (docs/decisions/006)."""

import io
import struct
import zlib
from datetime import timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from oauth.clients import logos
from oauth.infrastructure import pictures
from oauth.infrastructure.pictures import NotAPicture
from oauth.models import Client, ClientLogo
from tests.lib.http_listener import HttpListener
from tests.lib.oauth_client import authorization_url

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed yet: make .venv/installed")
pytestmark = pytest.mark.django_db
LINKS = {"policy_uri": "https://app.example/privacy", "tos_uri": "https://terms.example/tos"}


def picture(kind="PNG", size=(300, 200), color="red", **options):
    drawn = io.BytesIO()
    Image.new("RGB", size, color).save(drawn, kind, **options)
    return drawn.getvalue()


@pytest.fixture
def listener(settings):
    with HttpListener(picture()) as listener:
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [listener.host]}
        yield listener


@pytest.fixture
def registered(mobile_app, listener):
    """An app that registered itself, with a logo and links."""
    mobile_app.registration_source = Client.RegistrationSource.DCR
    mobile_app.logo_uri = listener.url("/logo.png")
    for name, url in LINKS.items():
        setattr(mobile_app, name, url)
    mobile_app.save()
    return mobile_app


def jobs():
    return [job.args for job in ProcrastinateJob.objects.filter(task_name=logos.TASK)]


def page_of(browser, app):
    return BeautifulSoup(browser.get(authorization_url(app)).content, "html.parser")


# --- drawing the picture again


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_a_small_square_png(kind):
    with Image.open(io.BytesIO(pictures.square_png(picture(kind)))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (128, 128))
        assert drawn.getpixel((64, 64))[0] > 200
        assert drawn.getpixel((64, 2))[3] == 0  # a wide picture gets transparent bars above and below


def test_nothing_of_the_file_is_left():
    """The stored picture has no metadata, and no bytes that follow the picture in the original file."""
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    hidden = picture("JPEG", exif=exif) + b"<script>alert(1)</script>"
    drawn = pictures.square_png(hidden)
    assert b"secret" not in drawn
    assert b"script" not in drawn


def bomb():
    """Makes a PNG of a few bytes that claims to have 100 million pixels."""
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


#: Drawn by the test: each process of a run reads this file.
NO_PICTURES = {
    "nothing": lambda: b"",
    "a page": lambda: b"<!DOCTYPE html><script>alert(1)</script>",
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a format that we do not need": lambda: picture("TIFF"),
    "half of a picture": lambda: picture(size=(900, 900))[:400],
    "a bomb": bomb,
    "too many pixels": lambda: picture(size=(3000, 3000)),
}


@pytest.mark.parametrize("draw", NO_PICTURES.values(), ids=NO_PICTURES)
def test_an_invalid_picture_is_refused(draw):
    """ASVS 5.0 5.2.6: the size in pixels is checked before it is decoded."""
    content = draw()
    with pytest.raises(NotAPicture):
        pictures.square_png(content)


# --- fetching


def test_a_saved_client_is_followed(registered):
    assert jobs() == [{"client_pk": registered.pk}]
    logos.fetch(registered.pk)
    row = ClientLogo.objects.get()
    assert (row.source, row.problem, bytes(row.image)[:4]) == (registered.logo_uri, "", b"\x89PNG")
    registered.name = "Another name"
    registered.save()
    assert len(jobs()) == 1


def test_another_address_forgets_the_picture_at_once(registered, listener):
    logos.fetch(registered.pk)
    registered.logo_uri = listener.url("/other.png")
    registered.save()
    assert not ClientLogo.objects.exists()
    assert len(jobs()) == 2
    registered.logo_uri = ""
    registered.save()
    assert len(jobs()) == 2


@pytest.mark.parametrize("body", [b"<svg/>", None])
def test_what_was_refused_is_told_to_staff(registered, listener, body):
    listener.body, listener.status = (body, 200) if body else (b"", 404)
    logos.fetch(registered.pk)
    row = ClientLogo.objects.get()
    assert not row.image
    assert row.problem


def test_a_larger_file_is_not_read(registered, listener):
    listener.body = picture() + bytes(logos.MAX_BYTES)
    with pytest.raises(logos.NotFetched):
        logos.fetch(registered.pk)
    assert "524288 bytes" in ClientLogo.objects.get().problem


def test_a_private_address_is_not_asked(registered, listener, settings):
    """OWASP API7."""
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(logos.NotFetched):
        logos.fetch(registered.pk)
    assert listener.requests == 0


def test_a_server_that_is_down_loses_nothing_and_is_asked_again(registered, listener, settings):
    logos.fetch(registered.pk)
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(logos.NotFetched):
        logos.fetch(registered.pk)
    assert ClientLogo.objects.get().image


def test_it_is_fetched_again_after_a_week(registered, listener):
    logos.fetch(registered.pk)
    assert logos.fetch_due() == 0
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert logos.fetch_due() == 1
        assert logos.fetch_due() == 0
        listener.body = picture(color="blue")
        before = bytes(ClientLogo.objects.get().digest)
        logos.fetch(registered.pk)
    assert bytes(ClientLogo.objects.get().digest) != before


def test_clients_that_were_written_in_bulk_are_found(mobile_app, listener):
    Client.objects.update(logo_uri=listener.url("/logo.png"))
    assert jobs() == []
    assert logos.fetch_due() == Client.objects.count()


def test_a_client_that_changed_meanwhile_keeps_nothing_of_it(registered, monkeypatch):
    """A picture is stored only if the client still has the URL that it was fetched from."""
    square_png = pictures.square_png

    def draw(content):
        Client.objects.filter(pk=registered.pk).update(logo_uri="https://other.example/logo.png")
        return square_png(content)

    monkeypatch.setattr(logos.pictures, "square_png", draw)
    logos.fetch(registered.pk)
    assert not ClientLogo.objects.exists()


def test_it_is_erased_with_its_client(registered, client):
    logos.fetch(registered.pk)
    url = address()
    assert client.get(url).status_code == 200
    registered.delete()
    assert not ClientLogo.objects.exists()
    assert client.get(url).status_code == 404


# --- showing


def address():
    return f"/oauth/logo/{bytes(ClientLogo.objects.get().digest).hex()}.png"


def test_it_is_served_from_our_own_origin(registered, client):
    logos.fetch(registered.pk)
    answer = client.get(address())
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer
    Client.objects.update(is_active=False)
    assert client.get(address()).status_code == 404


@pytest.mark.parametrize("digest", ["0" * 64, "nonsense", "0" * 62 + "zz", "A" * 64])
def test_an_unknown_picture_is_not_found(client, digest):
    assert client.get(f"/oauth/logo/{digest}.png").status_code == 404


def test_the_logo_of_an_app_that_registered_itself_is_among_its_own_words(registered, browser):
    """The logo must not look like our own mark, so the heading shows the letter of the app instead."""
    logos.fetch(registered.pk)
    page = page_of(browser, registered)
    assert page.select_one(".asks img") is None
    assert page.select_one(".own-words img")["src"] == address()
    assert "We have not checked them" in page.select_one(".own-words").text


def test_the_logo_of_an_app_that_staff_registered_is_its_mark(registered, browser):
    logos.fetch(registered.pk)
    Client.objects.update(registration_source=Client.RegistrationSource.MANUAL)
    page = page_of(browser, registered)
    assert page.select_one(".asks img.app-mark")["src"] == address()
    assert page.select_one(".own-words img") is None
    assert "not checked" not in page.select_one(".own-words").text


def test_links_are_the_apps_own_and_show_their_host(registered, browser):
    links = page_of(browser, registered).select(".own-words a")
    assert [link["href"] for link in links] == list(LINKS.values())
    for link in links:
        assert set(link["rel"]) == {"noopener", "noreferrer", "nofollow"}
    assert "terms.example" in page_of(browser, registered).select_one(".own-words").text


def test_a_link_starts_no_other_program(registered, browser):
    Client.objects.update(policy_uri="ftp://app.example/privacy", tos_uri="javascript:alert(1)")
    assert page_of(browser, registered).select_one(".own-words") is None


def test_the_login_page_shows_the_logo_and_the_links_of_the_app(registered, client):
    logos.fetch(registered.pk)
    page = BeautifulSoup(client.get(authorization_url(registered), follow=True).content, "html.parser")
    assert page.select_one("input[type=password]")
    assert page.select_one(".own-words img")["src"] == address()
    assert len(page.select(".own-words a")) == 2
