"""Converts Django's language codes to BCP 47 tags, as used by OpenID Connect."""

from django.utils.translation import to_locale


def language_tag(code: str) -> str:
    """`en-GB` for `en-gb`, `zh-Hans` for `zh-hans` (RFC 5646 §2.1.1)."""
    return to_locale(code).replace("_", "-")
