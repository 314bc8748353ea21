"""Whether a login is as strong as a client requests (RFC 9470 §5, OpenID Connect Core §5.5.1.1)."""

from collections.abc import Collection, Sequence


def is_met(acr: str, wanted: Collection[str], *, ladder: Sequence[str]) -> bool:
    """Whether `acr` is at least as strong as one of `wanted`, or `wanted` is empty. `ladder` is OAUTH["ACR_VALUES"],
    weakest first.
    """
    return not wanted or (
        acr in ladder and any(one in ladder and ladder.index(one) <= ladder.index(acr) for one in wanted)
    )
