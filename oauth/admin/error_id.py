"""Finds the error ID in a text that a user or developer sends to support."""

import re


def error_id_in(text: str) -> str:
    """The error ID in an error description or in the `instance` of a problem document. Returns any other text, such as
    the ID of a user or a client, unchanged.
    """
    named = re.search(r"\berror id ([0-9a-f]{16,32})\b", text)
    if named:
        return named[1]
    instance = re.fullmatch(r"urn:uuid:([0-9a-fA-F-]{32,36})", text.strip())
    return instance[1].replace("-", "").lower() if instance else text.strip()


def is_error_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{16,32}", text) is not None
