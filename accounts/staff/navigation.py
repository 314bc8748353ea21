"""Groups the admin's navigation by task instead of by Django app."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext


def by_job(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The result of `AdminSite.get_app_list`, grouped as in settings.ADMIN_NAVIGATION. A model that the setting does
    not name stays with its app.
    """
    models = {f"{app['app_label']}.{model['object_name']}": model for app in apps for model in app["models"]}
    jobs: list[dict[str, Any]] = []
    for number, (title, labels) in enumerate(settings.ADMIN_NAVIGATION):
        if found := [models.pop(label) for label in labels if label in models]:
            jobs.append({"name": gettext(title), "app_label": f"job-{number}", "app_url": "", "models": found})
    rest = [{**app, "models": [model for model in app["models"] if model in models.values()]} for app in apps]
    return [*jobs, *(app for app in rest if app["models"])]
