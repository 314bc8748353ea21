"""The error ID in what somebody sends to support."""

import re


def error_id_in(text: str) -> str:
    """The error id in what somebody pasted: a whole description, or the `instance` of a problem document. Other text,
    such as the id of a user or a client, is left as it is."""
    named = re.search(r"\berror id ([0-9a-f]{16,32})\b", text)
    if named:
        return named[1]
    instance = re.fullmatch(r"urn:uuid:([0-9a-fA-F-]{32,36})", text.strip())
    return instance[1].replace("-", "").lower() if instance else text.strip()


def is_error_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{16,32}", text) is not None
