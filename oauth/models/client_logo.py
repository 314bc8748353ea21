"""The logo of a client, re-encoded from the picture at `logo_uri`."""

from django.db import models
from django.utils import timezone

from oauth.models.client import Client


class ClientLogo(models.Model):
    """`image` is empty if there is no picture; `problem` then has the reason."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="logo")
    source = models.URLField(max_length=255)
    image = models.BinaryField(default=b"", editable=False)
    #: SHA-256 hash of the image, which is part of its URL.
    digest = models.BinaryField(max_length=32, default=b"", editable=False)
    problem = models.CharField(max_length=200, blank=True)
    tried_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["digest"], name="client_logo_digest", condition=~models.Q(digest=b""))]

    def __str__(self) -> str:
        return f"logo of {self.client_id}"
