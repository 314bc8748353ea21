"""Users whose money is play money. Developers test their apps with them."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SandboxCustomer(models.Model):
    """A sandbox customer has only accounts in PLAY_MONEY, and no other user has one. Triggers of the database enforce
    both (migration 0048). Since a transaction has one currency, play money never mixes with real money. Rows are never
    deleted.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "sandbox_customer"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user_id)
