"""What an app did at the site's APIs, from the site's own records.

    OAUTH["APP_ACTIVITY"] = "banking.journal.of_app"

names a function `(user, client_id) -> lines`, newest first. Each line has `at`, `text` and `url` (a page with details,
or empty). The page of a connected app shows the lines.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from django.utils.module_loading import import_string

from oauth.conf import conf


class Line(Protocol):
    @property
    def at(self) -> datetime: ...
    @property
    def text(self) -> str: ...
    @property
    def url(self) -> str: ...


def of_app(user: Any, client_id: str) -> Sequence[Line]:
    if not conf.APP_ACTIVITY:
        return ()
    found: Sequence[Line] = import_string(conf.APP_ACTIVITY)(user, client_id)
    return found
