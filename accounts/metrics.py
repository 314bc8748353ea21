"""Counts logins by outcome, for /metrics."""

from prometheus_client import Counter

logins = Counter(
    "logins_total",
    "Attempts to log in, by outcome: logged_in; wrong (email and password); code_demanded (after guesses, whatever the "
    "password); second_factor_wrong; limited (too many from one address).",
    ["outcome"],
)
