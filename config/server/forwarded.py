"""The Forwarded header (RFC 7239), in which each proxy describes the request that it received."""

import re

_PAIR = re.compile(r"""[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*([;,]|$)""")
_EMPTY = re.compile(r"[ \t,]*")
_ESCAPED = re.compile(r"\\(.)")

Element = dict[str, str]


def elements(header: str) -> list[Element]:
    """One dict of lower-case names per proxy, the nearest proxy last. Empty if the header is malformed, because an
    unclosed quote from a client could hide the elements after it.
    """
    found: list[Element] = [{}]
    position = 0
    while position < len(header):
        if not found[-1]:
            # RFC 9110 §5.6.1: a list may have empty elements, such as at its ends.
            position = _EMPTY.match(header, position).end()  # type: ignore[union-attr]
            if position == len(header):
                break
        pair = _PAIR.match(header, position)
        if pair is None:
            return []
        name, quoted, token, separator = pair.groups()
        name = name.lower()
        if name in found[-1]:  # RFC 7239 §4: each parameter once an element
            return []
        found[-1][name] = token if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if separator == ",":
            found.append({})
        position = pair.end()
    return [element for element in found if element]
