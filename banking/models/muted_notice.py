"""The emails of the bank that a user has turned off."""

from django.conf import settings
from django.db import models


class MutedNotice(models.Model):
    """`topic` is a member of banking.notices.topics.Topic."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=20)

    class Meta:
        db_table = "muted_notice"
        constraints = [models.UniqueConstraint(fields=["user", "topic"], name="muted_notice_once")]

    def __str__(self) -> str:
        return self.topic
