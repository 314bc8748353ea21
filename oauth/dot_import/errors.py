"""Errors that stop an import before it writes anything."""


class ImportRefused(Exception):
    """The import cannot begin or continue. The message says what to do."""
