"""Writes docs/pages.md: each page of the site map with its pictures. `make screenshots` writes the document and the
pictures.
"""

from pathlib import Path

from django.contrib import admin

from tests.lib import site_map

DOCUMENT = Path("docs/pages.md")
PICTURES = Path("docs/images/pages")
CHAPTERS = {
    "nobody": "Before login",
    "alice": "A customer of the bank",
    "grace": "A new user, with a passkey, an authenticator app and recovery codes",
    "admin": "Staff",
}
INTRODUCTION = """\
# The pages in pictures

Every page for users is here, and the most important pages of the admin. The admin has pages for {registered} models;
{without} of them have no picture.

`make screenshots` takes the pictures in the demo bank while it tests each page. On every page here, in both widths and
both color schemes, axe-core finds no violation of WCAG 2.2 AA. No page loads anything from another site. A page for
users weighs at most 60 kB at the first visit; a page of the admin weighs more, because of the files of Django's admin.

Pages for users are shown 360 px wide, pages of the admin 1280 px. A few are shown in both widths, light and dark.
"""


def document() -> str:
    return "\n".join([_introduction(), *(_chapter(who, title) for who, title in CHAPTERS.items())])


def _introduction() -> str:
    shown = {row.view for row in site_map.ROWS}
    models = [f"admin:{model._meta.label_lower.replace('.', '_')}_" for model in admin.site._registry]
    without = [model for model in models if not any(view.startswith(model) for view in shown)]
    return INTRODUCTION.format(registered=len(models), without=len(without))


def _chapter(who: str, title: str) -> str:
    return "\n".join([f"## {title}", "", *(_page(row) for row in site_map.ROWS if row.who == who)])


def _page(row: site_map.Row) -> str:
    name = f"`{row.view}`" if row.view else "An address that does not exist"
    title = ", ".join(filter(None, [name, row.note]))
    images = [
        f'<img src="{PICTURES.relative_to(DOCUMENT.parent)}/{file}" width="{240 if width == 360 else 640}" '
        f'loading="lazy" alt="{_alternative(row)}, {width} px, {scheme}">'
        for (width, scheme), file in row.pictures.items()
    ]
    return "\n".join([f"**{title}**", "", *images, ""])


def _alternative(row: site_map.Row) -> str:
    return " ".join(filter(None, [row.view, row.note]))
