"""The environment of the process: for every variable NAME, NAME_FILE may name a file that holds its value."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class SecretFiles(FileAwareMapping):  # type: ignore[misc]  # the library has no annotations
    """Drops the newline at the end of a file, which an editor or `echo` adds and which is not part of the secret."""

    def __getitem__(self, key: str) -> Any:
        path = self.env.get(f"{key}_FILE")
        if not path:
            return super().__getitem__(key)
        try:
            return super().__getitem__(key).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ImproperlyConfigured(
                f"{key}_FILE must name a file that this user can read. {path}: {reason}."
            ) from error


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # as above
    ENVIRON = SecretFiles()

    def secrets(self, name: str) -> list[str]:
        """Any number of secrets, separated by commas or newlines."""
        value: str = self.str(name, default="")
        return [one.strip() for one in value.replace("\n", ",").split(",") if one.strip()]

    def words(self, name: str) -> list[str]:
        """A list of values without spaces, separated by commas, spaces or newlines."""
        value: str = self.str(name)
        return value.replace(",", " ").split()
