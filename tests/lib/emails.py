"""Checks that apply to every email: it has an HTML part with the brand, and a plain-text part with the same content."""

import re

from bs4 import BeautifulSoup
from django.core.mail import EmailMessage, EmailMultiAlternatives


def html_of(mail: EmailMessage) -> BeautifulSoup:
    assert isinstance(mail, EmailMultiAlternatives)
    [part] = mail.alternatives
    assert part.mimetype == "text/html"
    return BeautifulSoup(str(part.content), "html.parser")


def check_email(mail: EmailMessage) -> BeautifulSoup:
    html = html_of(mail)
    assert html.html is not None
    assert html.html["lang"]
    assert len(html.select("h1")) == 1
    # The email loads nothing: no image, font, script or stylesheet from a server.
    assert not html.select("img, script, link, iframe, object, form, [background]")
    source = str(html)
    assert not re.search(r"url\(|@import|@font-face|\bsrc=", source)
    assert "prefers-color-scheme: dark" in source
    assert max(map(len, source.splitlines())) < 998  # RFC 5322 §2.1.1
    # Both parts have the same text and the same links.
    said = " ".join(html.get_text(" ").split())
    for line in str(mail.body).split("\n"):
        assert " ".join(line.split()) in said, line
    links = {str(link["href"]) for link in html.select("[href]")}
    assert links <= set(re.findall(r"https?://\S+", str(mail.body)))
    assert "{{" not in source
    assert "{%" not in source
    return html
