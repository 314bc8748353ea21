"""The kind of a client, which the admin selects first."""

from django.db import models
from django.utils.translation import gettext_noop as _


class Kind(models.TextChoices):
    """`clients.preset` has safe values for each kind. The labels are translated, because the guide for developers shows
    them.
    """

    MOBILE = "mobile", _("Mobile or desktop app")
    WEB = "web", _("Web app with a server")
    BROWSER = "browser", _("Browser app without a server")
    SERVICE = "service", _("Service without a user")
    DEVICE = "device", _("Device without a keyboard")
