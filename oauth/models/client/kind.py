"""The kind of a client, in the words of the admin's first question."""

from django.db import models
from django.utils.translation import gettext_noop as _


class Kind(models.TextChoices):
    """The admin chooses one instead of protocol words; `clients.preset` turns it into safe values. The names are
    translated, because the guide for developers shows them."""

    MOBILE = "mobile", _("Mobile or desktop app")
    WEB = "web", _("Web app with a server")
    BROWSER = "browser", _("Browser app without a server")
    SERVICE = "service", _("Service without a user")
    DEVICE = "device", _("Device without a keyboard")
