"""Whether mail can reach an address at all."""

#: RFC 6761 §6.4: names below it never exist. Emails to them would only bounce.
_NOWHERE = ".invalid"


def is_reachable(address: str) -> bool:
    return not address.rpartition("@")[2].rstrip(".").lower().endswith(_NOWHERE)
