"""Types of command-line arguments, for argparse."""

import math
from argparse import ArgumentTypeError


def seconds(text: str) -> float:
    """A time in seconds, which may be 0."""
    try:
        given = float(text)
    except ValueError:
        given = math.nan
    if not 0 <= given < math.inf:
        raise ArgumentTypeError(f"{text} must be a number of seconds, at least 0.")
    return given
