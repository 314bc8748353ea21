"""Log lines as JSON, without the email addresses that texts of errors contain."""

import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_ADDRESS = re.compile(r"[\w.!#$%&*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")


class JsonLines(JsonFormatter):
    """ASVS 5.0 16.2.5: no personal data. The error of a mail server that refuses a recipient, or of a violated database
    constraint, can contain a user's address, and is the last line of the traceback.
    """

    def formatException(self, ei: Any) -> str:
        text = super().formatException(ei)
        assert isinstance(text, str)  # `exc_info` is a list only with `exc_info_as_array`
        return _ADDRESS.sub("…@…", text)
