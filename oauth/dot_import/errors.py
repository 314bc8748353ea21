"""Errors that stop an import before it writes anything."""


class ImportRefused(Exception):
    """The import cannot begin, or cannot continue. The message says what to do."""
