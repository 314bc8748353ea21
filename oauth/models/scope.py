"""Scopes, with the sentences that explain them on the consent page."""

from collections.abc import Iterable

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

# Supported claim -> its scope (OpenID Connect Core §5.4).
SCOPE_OF_CLAIM = {
    **dict.fromkeys(("name", "given_name", "family_name", "locale", "updated_at"), "profile"),
    **dict.fromkeys(("email", "email_verified"), "email"),
}


def scopes_of_claims(names: Iterable[str]) -> frozenset[str]:
    """The scopes of these claims, whose sentences describe the claims to the user."""
    return frozenset(SCOPE_OF_CLAIM[name] for name in names if name in SCOPE_OF_CLAIM)


def understood(asked: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The requested scopes without duplicates and without ignored ones.

    OpenID Connect Core §3.1.2.1, §11: if `openid` is requested, unknown scopes are ignored, and so is `offline_access`
    if the client may not have it. All other scopes are returned even if they are not `allowed`; the caller must refuse
    them.
    """
    asked = tuple(dict.fromkeys(asked))
    beyond = set(asked).difference(allowed)
    if "openid" not in asked or not beyond:
        return asked
    known = set(Scope.objects.filter(name__in=beyond).values_list("name", flat=True)) - {"offline_access"}
    return tuple(name for name in asked if name not in beyond or name in known)


class Scope(models.Model):
    class Group(models.TextChoices):
        IDENTITY = "identity", _("Who you are")
        READ = "read", _("See")
        WRITE = "write", _("Change or move money")

    # RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    name = models.CharField(
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"^[\x21\x23-\x5b\x5d-\x7e]+$", "RFC 6749 §3.3")],
    )
    sentence = models.CharField(
        max_length=200, help_text="Ends the sentence “This app wants to: …” on the consent page."
    )
    group = models.CharField(max_length=10, choices=Group.choices, default=Group.READ)
    is_optional = models.BooleanField(
        "may be left out", default=False, help_text="The user may untick it; the client then gets the other scopes."
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Order on the consent page.")

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name
