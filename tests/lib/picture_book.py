"""docs/pages.md: every page of the site map with its pictures. `make screenshots` writes both."""

from pathlib import Path

from tests.lib import site_map

DOCUMENT = Path("docs/pages.md")
PICTURES = Path("docs/images/pages")
CHAPTERS = {
    "nobody": "Before anybody is logged in",
    "alice": "A customer of the bank",
    "grace": "Somebody new, with a passkey, an authenticator app and recovery codes",
    "admin": "Staff",
}
INTRODUCTION = """\
# Every page

Made by `make screenshots` in the demo's bank while each page is tested: axe-core finds nothing against WCAG 2.2 AA on
any of them in either width and scheme, and none asks another site for anything. Pages of people weigh at most 60 kB
at a first visit; those of staff more, by what Django's admin brings. People's pages are shown on a phone of 360 px,
those of staff on 1280 px, and some in both and in the dark.
"""


def document() -> str:
    return "\n".join([INTRODUCTION, *(_chapter(who, title) for who, title in CHAPTERS.items())])


def _chapter(who: str, title: str) -> str:
    return "\n".join([f"## {title}", "", *(_page(row) for row in site_map.ROWS if row.who == who)])


def _page(row: site_map.Row) -> str:
    name = f"`{row.view}`" + (f", {row.note}" if row.note else "")
    images = [
        f'<img src="{PICTURES.relative_to(DOCUMENT.parent)}/{file}" width="{240 if width == 360 else 640}" '
        f'loading="lazy" alt="{row.view} {row.note}, {width} px, {scheme}">'
        for (width, scheme), file in row.pictures.items()
    ]
    return "\n".join([f"**{name}**", "", *images, ""])
