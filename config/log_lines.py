"""Log lines as JSON, without the email addresses that texts of errors contain."""

import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_ADDRESS = re.compile(r"[\w.!#$%&*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")


class JsonLines(JsonFormatter):
    """ASVS 5.0 16.2.5: no personal data. A mail server that refuses a recipient, and a constraint of the database,
    repeat the address of a user in their message, which is the last line of a traceback.
    """

    def formatException(self, ei: Any) -> str:
        text = super().formatException(ei)
        assert isinstance(text, str)  # it is a list only with `exc_info_as_array`
        return _ADDRESS.sub("…@…", text)
