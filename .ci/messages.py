"""What people read, for translators: `make messages` brings the catalogs up to date and names what is untranslated.

In Python alone, so that the tests ask the same questions where gettext is not installed. The admin and what only it
shows stay English, as does what programs are told: neither is extracted (docs/translations.md).
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "zh_Hans")
#: Each has a catalog of its own; templates/ and config/ have that of the site, locale/.
APPS = ("accounts", "banking", "oauth")
SOURCES = (*APPS, "config", "templates")
ENGLISH = (
    "*/admin/*",
    "*/admin.py",
    "*/admin_panels.py",
    "*/migrations/*",
    "oauth/registration/*",
    "oauth/templates/oauth/build.html",
)
KEYWORDS: Any = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# When and by what it was written says nothing, and would make a change of every run.
_NOISE = ('"POT-Creation-Date', '"PO-Revision-Date', '"Last-Translator', '"Language-Team', '"Generated-By')


def extracted(app: str) -> Catalog:
    """What the sources of an app say to people, or of the site where the app is ""."""
    catalog = Catalog(project="countersign", charset="utf-8")
    for name in [app] if app else sorted({*SOURCES} - {*APPS}):
        for path in sorted((ROOT / name).rglob("*")):
            relative = path.relative_to(ROOT)
            if path.suffix not in (".py", ".html", ".txt") or any(relative.match(glob) for glob in ENGLISH):
                continue
            for function, message, context in _calls(path):
                plural = function.removesuffix("_lazy").endswith("ngettext") or function.endswith("npgettext_lazy")
                texts = [text for text in (message if isinstance(message, tuple) else (message,)) if text]
                identity = tuple(texts[-2:]) if plural else texts[-1]
                catalog.add(identity, locations=[(str(relative), 0)], context=context)
    return catalog
