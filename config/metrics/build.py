"""The release that is running, with the versions of Python and Django."""

import platform

import django
from prometheus_client import Gauge

from config import VERSION

info = Gauge(
    "build_info", "Always 1; the labels name the release, Python and Django.", ["version", "python", "django"],
    multiprocess_mode="mostrecent",
)  # fmt: skip


def show() -> None:
    info.labels(VERSION, platform.python_version(), django.get_version()).set(1)
