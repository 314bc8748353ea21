"""Log lines as JSON, without the email addresses that texts of errors contain, and without tokens in paths."""

import re
from copy import copy
from logging import LogRecord
from typing import Any

from django.http import HttpRequest
from pythonjsonlogger.json import JsonFormatter

_ADDRESS = re.compile(r"[\w.!#$%&*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")


class JsonLines(JsonFormatter):
    """ASVS 5.0 16.2.5: no personal data. The error of a mail server that refuses a recipient, or of a violated database
    constraint, can contain a user's address, and is the last line of the traceback.
    """

    def format(self, record: LogRecord) -> str:
        """ASVS 5.0 16.2.5: no secrets. Django logs the path of each refused request, and the path of a link in an email
        contains its secret.
        """
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            from oauth.audit.refused_requests import path_of  # needs the models, and this module is loaded before them

            record = copy(record)
            record.args = tuple(path_of(request) if arg == request.path else arg for arg in record.args or ())
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        text = super().formatException(ei)
        assert isinstance(text, str)  # `exc_info` is a list only with `exc_info_as_array`
        return _ADDRESS.sub("…@…", text)
