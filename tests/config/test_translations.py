"""The German and Chinese catalogs are complete and up to date. `make messages` repairs what the first tests find."""

import io
import re
import runpy

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import dates, translation

messages = runpy.run_path(str(settings.BASE_DIR / ".ci" / "messages.py"))
CATALOGS = {po: (language, folders) for po, language, folders in messages["catalogs"]()}
each_catalog = pytest.mark.parametrize(
    "po", CATALOGS, ids=[str(po.relative_to(settings.BASE_DIR).parent) for po in CATALOGS]
)
PLACEHOLDER_OR_MARKUP = re.compile(r"%\(\w+\)s|</?\w+[^>]*>|https?://\S+")


@pytest.fixture
def catalog(po):
    language, _ = CATALOGS[po]
    return messages["read"](po, language)


def ids(catalog):
    return {(message.context, message.id) for message in catalog if message.id}


@each_catalog
def test_a_catalog_holds_what_the_code_says_to_people_and_nothing_else(catalog, po):
    _, folders = CATALOGS[po]
    assert ids(catalog) == ids(messages["extracted"](folders))


@each_catalog
def test_everything_is_translated(catalog, po):
    assert len(ids(catalog)) > 0
    assert [message.id for message in messages["untranslated"](catalog)] == []


@each_catalog
def test_what_is_compiled_is_what_is_written(catalog, po):
    assert po.with_suffix(".mo").read_bytes() == messages["compiled"](catalog)


@each_catalog
def test_a_translation_says_the_same_names_and_markup(catalog, po):
    assert [(message.id, errors) for message, errors in catalog.check()] == []
    for message in catalog:
        if not message.id:
            continue  # the headers
        texts = [message.string] if isinstance(message.string, str) else message.string
        original = message.id if isinstance(message.id, str) else message.id[-1]
        for text in texts:
            assert sorted(PLACEHOLDER_OR_MARKUP.findall(text)) == sorted(PLACEHOLDER_OR_MARKUP.findall(original))


def test_every_language_of_the_site_is_one_that_the_catalogs_have():
    others = {translation.to_locale(code) for code, _ in settings.LANGUAGES} - {"en_GB"}
    assert others == set(messages["LANGUAGES"])


@pytest.mark.parametrize("language", messages["LANGUAGES"])
def test_one_text_has_one_translation(language):
    """All catalogs are merged, so a text of one package would show the translation of another. Give it a context."""
    found = {}
    for po, (its_language, _) in CATALOGS.items():
        for message in messages["read"](po, its_language) if its_language == language else ():
            if message.id:
                found.setdefault((message.context, message.id), set()).add(message.string)
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", messages["LANGUAGES"])
def test_no_text_replaces_the_name_of_a_month_or_a_weekday(language):
    """Django's catalog is merged, too: “May” of a heading, which users may read as “is allowed to”, is also a month."""
    names = {*dates.MONTHS.values(), *dates.MONTHS_3.values(), *dates.MONTHS_AP.values(), *dates.WEEKDAYS.values()}
    with translation.override(None):
        english = {str(name) for name in names | {*dates.WEEKDAYS_ABBR.values()}}
    ours = [
        message.id
        for po, (its_language, _) in CATALOGS.items()
        if its_language == language
        for message in messages["read"](po, its_language)
        if message.context is None and message.id in english
    ]
    assert ours == []


def test_a_text_that_is_not_translated_is_found():
    po = b'msgid "Log in"\nmsgstr ""\n\n#, fuzzy\nmsgid "Log out"\nmsgstr "Anmelden"\n\nmsgid "Yes"\nmsgstr "Ja"\n'
    catalog = read_po(io.BytesIO(po), locale="de")
    assert [message.id for message in messages["untranslated"](catalog)] == ["Log in", "Log out"]
