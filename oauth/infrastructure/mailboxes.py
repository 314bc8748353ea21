"""Whether an address can have a mailbox."""

#: RFC 6761 §6.4: a domain below this one never exists, so an email would bounce.
_NOWHERE = ".invalid"


def is_reachable(address: str) -> bool:
    return not address.rpartition("@")[2].rstrip(".").lower().endswith(_NOWHERE)
