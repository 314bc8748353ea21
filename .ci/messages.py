"""`make messages`: updates the catalogs of the texts that users read, and lists untranslated ones.

It needs only Python, so that the tests can compare the catalogs where gettext is not installed. Texts that stay English
(docs/translations.md) are not extracted.
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "zh_Hans")
# Each app has its own catalogs. Those of the site, in locale/, have the texts of templates/ and config/.
SOURCES = {"accounts": ["accounts"], "banking": ["banking"], "oauth": ["oauth"], ".": ["config", "templates"]}
ENGLISH = (
    "*/admin/*",
    "*/admin.py",
    "config/bank/admin_panels.py",
    "oauth/clients/advice/*",
    "oauth/clients/snippets.py",
)
KEYWORDS: Any = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}
# Headers that are removed, because they have no content, or contain the time, so that each run would change the file.
NOISE = tuple(
    f'"{header}'.encode()
    for header in (
        "Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator",
        "Language-Team", "Generated-By",
    )
)  # fmt: skip


def main() -> int:
    settings.configure()
    unfinished = []
    for po, language, folders in catalogs():
        catalog = read(po, language)
        catalog.update(extracted(folders), no_fuzzy_matching=True)
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_bytes(written(catalog))
        po.with_suffix(".mo").write_bytes(compiled(catalog))
        unfinished += [f"{po.relative_to(ROOT)}: {message.id}" for message in untranslated(catalog)]
    print("\n".join(unfinished) or "Everything is translated.")
    return 1 if unfinished else 0


def catalogs() -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """For each catalog: the file, the language, and the folders whose texts it contains."""
    for home, folders in SOURCES.items():
        for language in LANGUAGES:
            yield ROOT / home / "locale" / language / "LC_MESSAGES" / "django.po", language, tuple(folders)


@cache
def extracted(folders: tuple[str, ...]) -> Catalog:
    """The texts for people in the code and the templates of these folders."""
    said = Catalog()
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*")):
        source = path.relative_to(ROOT)
        if path.suffix not in (".py", ".html", ".txt") or any(fnmatch(str(source), one) for one in ENGLISH):
            continue
        for _line, message, _comments, context in extract(extract_python, io.BytesIO(_python(path)), KEYWORDS):
            said.add(message, locations=[(str(source), 0)], context=context)
    return said


def _python(path: Path) -> bytes:
    """The Python code of a file. A template is converted as Django does for xgettext, and loses its indentation, which
    would be a syntax error.
    """
    text = path.read_text()
    if path.suffix != ".py":
        text = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    return text.encode()


def read(po: Path, language: str) -> Catalog:
    return read_po(io.BytesIO(po.read_bytes() if po.exists() else b""), locale=language)


def written(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_po(file, catalog, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return b"".join(line for line in file.getvalue().splitlines(keepends=True) if not line.startswith(NOISE))


def compiled(catalog: Catalog) -> bytes:
    catalog.creation_date = datetime(2026, 1, 1, tzinfo=UTC)  # otherwise it would be the year of the run
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    """Messages without a translation, or with a fuzzy one, which was made for an earlier text."""
    return [
        message
        for message in catalog
        if message.id
        and (message.fuzzy or not all(message.string if isinstance(message.string, tuple) else (message.string,)))
    ]


if __name__ == "__main__":
    sys.exit(main())
