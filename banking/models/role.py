"""What a user may do with an account."""

from django.db import models


class Role(models.TextChoices):
    """The owner's row is written by the database, together with the account."""

    OWNER = "owner", "Owner"
    HOLDER = "holder", "Joint holder"
    READER = "reader", "May look, not pay"
