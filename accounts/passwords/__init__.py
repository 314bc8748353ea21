"""Forms for a new password, links that reset a password, hashing, and the strength rule. Imports `models` only."""
