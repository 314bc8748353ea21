"""Pages show the name, logo and color of the site: from the settings, or from the row that staff edit."""

import re

import pytest
from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError

from oauth.checks.branding import check_branding
from oauth.infrastructure.colors import LEAST_CONTRAST, contrast, legibility, shades
from oauth.models import Branding
from oauth.pages import brand

pytestmark = pytest.mark.django_db
GREEN, YELLOW = "#0b6e4f", "#ffd500"


@pytest.fixture
def page(client):
    def read(path="/oauth/logout"):
        return BeautifulSoup(client.get(path).content, "html.parser")

    return read


def look(page):
    mark = page.select_one(".brand")
    logo = mark.select_one("img")
    sheets = [link["href"] for link in page.select("link[rel=stylesheet]")]
    return mark.text.strip(), logo and logo["src"], next((s for s in sheets if "/oauth/brand/" in s), None)


def test_the_settings_say_how_pages_look(page, settings):
    settings.OAUTH = {**settings.OAUTH, "BRANDING": {"name": "Sparkasse", "logo": "logo.svg", "color": GREEN}}
    assert look(page()) == ("Sparkasse", "/static/logo.svg", "/oauth/brand/0b6e4f.css")
    assert page().title.text.endswith("· Sparkasse")


def test_without_settings_the_name_is_the_host_of_the_issuer(page, settings):
    settings.OAUTH = {**settings.OAUTH, "BRANDING": {}, "ISSUER": "https://login.example"}
    assert look(page()) == ("login.example", None, None)


def test_a_saved_brand_takes_effect_at_once(page):
    page()
    Branding(name="Volksbank", color=GREEN).save()
    assert look(page()) == ("Volksbank", "/static/logo.svg", "/oauth/brand/0b6e4f.css")
    Branding.objects.all().delete()
    assert look(page())[0] == "Countersign"


def test_the_row_is_read_once_and_only_by_pages(client, django_assert_num_queries):
    brand.current()
    with django_assert_num_queries(0):
        brand.current()
        client.get("/oauth/brand/0b6e4f.css")


def test_a_page_without_database_shows_the_settings(monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(Branding.objects, "first", fail)
    assert brand.current().name == "Countersign"


def test_an_error_page_asks_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert look(BeautifulSoup(client.get("/?x=%01").content, "html.parser"))[0] == "Countersign"
    Branding(name="Volksbank").save()
    brand.current()
    assert brand.known().name == "Volksbank"


def test_there_is_one_row():
    Branding(name="One").save()
    Branding(name="Two").save()
    assert [row.name for row in Branding.objects.all()] == ["Two"]
    with pytest.raises(IntegrityError):
        Branding.objects.bulk_create([Branding(pk=2)])


# --- colors


@pytest.mark.parametrize("color", ["#1746a2", GREEN, "#000000", "#7a0019", "#5b21b6", "#b3261e"])
def test_both_shades_of_a_color_can_be_read(color):
    """WCAG 2.2 §1.4.3."""
    light, dark = shades(color)
    for one, surface in ((light, "#ffffff"), (light, "#f4f6f9"), (dark, "#161f30"), (dark, "#0d131f")):
        assert contrast(one.accent, surface) >= LEAST_CONTRAST
        assert contrast(one.accent, one.ink) >= LEAST_CONTRAST
        assert contrast(one.accent, one.soft) >= LEAST_CONTRAST


def test_the_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    # a common gray whose contrast is just too low
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("color", [YELLOW, "#ffffff", "#777777", "#9ca3af", "blue", "#12", "#12345g", "#1746a2;}", ""])
def test_a_color_that_cannot_be_read_is_refused(color):
    if color:
        with pytest.raises(ValidationError):
            Branding(color=color).full_clean()
    else:
        Branding(color=color).full_clean()


def test_the_refusal_says_what_is_missing():
    with pytest.raises(ValidationError, match=rf"{legibility(YELLOW):.1f}:1. It must be at least 4.5:1"):
        Branding(color=YELLOW).full_clean()


def test_the_stylesheet_is_the_color_for_light_and_dark(client):
    answer = client.get("/oauth/brand/0b6e4f.css")
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    light, dark = re.findall(r"--accent: (#\w{6})", answer.content.decode())
    assert light == GREEN
    assert dark != GREEN


@pytest.mark.parametrize("color", ["red", "0b6e4", "0b6e4f;", "%7D%20body%7B"])
def test_a_stylesheet_of_no_color_is_not_found(client, color):
    assert client.get(f"/oauth/brand/{color}.css").status_code == 404


# --- logos


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/logo.svg", "//evil.example/logo.svg", "/etc/logo.svg", "../logo.svg", "countersign.css",
     "no-such.svg", "data:image/svg+xml,x.svg", "logo.svg\\"],
)  # fmt: skip
def test_a_logo_must_be_an_image_of_this_site(path):
    """ASVS 3.4.3: the Content-Security-Policy allows images of this site only."""
    with pytest.raises(ValidationError):
        Branding(logo=path).full_clean()


def test_a_logo_of_this_site_is_accepted():
    Branding(logo="logo.svg").full_clean()


# --- the system check of the settings


@pytest.mark.parametrize(
    "branding",
    [
        {"color": YELLOW},
        {"color": "red"},
        {"logo": "https://evil.example/logo.svg"},
        {"colour": GREEN},
        {"name": "x" * 61},
    ],
)
def test_a_wrong_branding_is_an_error(settings, branding):
    settings.OAUTH = {**settings.OAUTH, "BRANDING": branding}
    (message,) = check_branding()
    assert message.id == "oauth.E040"
    assert message.hint


def test_the_branding_of_the_site_is_right():
    assert check_branding() == []
