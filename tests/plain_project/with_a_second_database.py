"""The settings of the README in a project with a second database, which has none of the tables of `oauth`."""

import os

from tests.plain_project.settings import *  # noqa: F403
from tests.plain_project.settings import DATABASES

DATABASES = DATABASES | {
    "warehouse": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("WAREHOUSE", ":memory:")}
}


class OnlyItsOwnTables:
    def allow_migrate(self, db, app_label, **hints):
        return app_label == "warehouse" if db == "warehouse" else None


DATABASE_ROUTERS = [f"{__name__}.OnlyItsOwnTables"]
