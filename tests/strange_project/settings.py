"""The settings of the README, with users that need every freedom of `AUTH_USER_MODEL`."""

import os

from tests.plain_project import settings as of_the_readme
from tests.plain_project.settings import *  # noqa: F403

INSTALLED_APPS = ["tests.strange_project", *of_the_readme.INSTALLED_APPS]
MIDDLEWARE = [*of_the_readme.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
AUTH_USER_MODEL = "strange_project.Member"
OAUTH = of_the_readme.OAUTH | {
    "FAST_PATH": os.environ["FAST_PATH"] == "on",
    "USER_CLAIMS": "tests.strange_project.models.claims",
}
ROOT_URLCONF = "tests.strange_project.urls"
