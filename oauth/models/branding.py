"""The branding of the pages: one row, which staff edit. If a field is empty, `OAUTH["BRANDING"]` applies."""

from pathlib import PurePosixPath
from typing import Any

from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError
from django.db import models

from oauth.infrastructure.colors import LEAST_CONTRAST, is_color, legibility

LOGO_SUFFIXES = (".svg", ".png", ".webp", ".jpg", ".jpeg")


def check_color(color: str) -> None:
    """Raises ValidationError unless text in this color, and white text on it, has enough contrast (WCAG 2.2 §1.4.3)."""
    if not is_color(color):
        raise ValidationError("Write the color as #rrggbb, such as #1746a2.")
    if (ratio := legibility(color)) < LEAST_CONTRAST:
        raise ValidationError(
            f"The contrast of this color with the page and with white text is {ratio:.1f}:1. It must be at least "
            f"{LEAST_CONTRAST}:1 (WCAG 2.2 §1.4.3). Choose a darker one."
        )


def check_logo(path: str) -> None:
    """Raises ValidationError unless `path` is an image among the site's static files.

    Uploads and images of other sites are not allowed, so that the Content-Security-Policy stays strict (ASVS 5.0
    3.4.3).
    """
    is_relative = not path.startswith("/") and "://" not in path and "\\" not in path
    if not is_relative or ".." in path.split("/") or PurePosixPath(path).suffix.lower() not in LOGO_SUFFIXES:
        endings = ", ".join(LOGO_SUFFIXES)
        raise ValidationError(f"Name a static file of this site that ends in {endings}, such as shop/logo.svg.")
    if finders.find(path) is None:
        raise ValidationError(f"This site has no static file {path}.")


class Branding(models.Model):
    name = models.CharField(max_length=60, blank=True, help_text="The name of this site at the top of each page.")
    logo = models.CharField(
        max_length=200,
        blank=True,
        validators=[check_logo],
        help_text="The path of a static file, such as shop/logo.svg.",
    )
    color = models.CharField(
        max_length=7, blank=True, validators=[check_color], help_text="The color of buttons and links, such as #1746a2."
    )

    class Meta:
        verbose_name = verbose_name_plural = "branding"
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="oauth_branding_is_one_row")]

    def __str__(self) -> str:
        return self.name or "The look of the pages"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)
