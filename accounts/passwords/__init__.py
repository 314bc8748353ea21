"""The forms of a new password, and the links that replace one. Imports `models` only."""
