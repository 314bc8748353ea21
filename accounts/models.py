"""The User: logs in by e-mail address, known to clients by a UUID that never is given to anybody else."""

import unicodedata
import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """The whole address lower-cased in NFKC: one spelling per person, at saving and at looking up alike."""
        return unicodedata.normalize("NFKC", email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # (of an untyped library)
    """A person. `id` is the `sub` of tokens: random, so it tells nothing, not even when the person joined."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(
        default=True, help_text="Untick instead of deleting: ends every session and access."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Of the page at the last log-in, or chosen since: mail that no page of theirs causes is in it.
    language = models.CharField(max_length=16, blank=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_lower")]
        # Few: status lists ask for them every few seconds.
        indexes = [models.Index(fields=["id"], name="user_inactive", condition=models.Q(is_active=False))]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = UserManager.normalize_email(self.email)
        super().save(*args, **kwargs)

    def speak(self, language: str | None) -> None:
        """From now on mail is in it."""
        if language and language != self.language:
            self.language = language
            self.save(update_fields=["language"])

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email
