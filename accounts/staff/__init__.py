"""Staff in the admin: how they must authenticate, and which users they may change.

Imports `login` and what it imports.
"""
