"""The User: logs in by email address, and is known to clients by a UUID that nobody else ever gets."""

import unicodedata
import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, router, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac


class UserQuerySet(models.QuerySet["User"]):
    def update(self, **values: Any) -> int:
        """Row by row where it is an act: accounts.changes must see each user's old and new values."""
        from accounts import changes

        acts = values.keys() & changes.WATCHED
        if not acts:
            return super().update(**values)
        if any(hasattr(values[name], "resolve_expression") for name in acts):
            raise TypeError(f"Save users one by one to change {', '.join(sorted(acts))}: see accounts.changes.")
        with transaction.atomic(using=self.db):
            users = list(self.select_for_update(of=("self",)))
            for user in users:
                for name in acts:
                    setattr(user, name, values[name])
                user.save(using=self.db, update_fields=acts)
            if others := {name: value for name, value in values.items() if name not in acts}:
                self.model._base_manager.filter(pk__in=[user.pk for user in users]).update(**others)
        return len(users)

    update.alters_data = True  # type: ignore[attr-defined]


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """The whole address lower-cased in NFKC: one spelling per person, at saving and at looking up alike."""
        return unicodedata.normalize("NFKC", email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(email=self.normalize_email(username))
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user: User = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `id` is the `sub` of tokens: random, so it tells nothing, not even when the person joined."""

    # ASVS 5.0 10.3.3: random, so that no later user ever gets the `sub` of an earlier one.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(default=True)
    # Part of what a browser's session is checked against: the next number logs out every browser.
    session_generation = models.IntegerField(default=0, db_default=0, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Of the page at the last log-in, or chosen since: mail that no page of theirs causes is in it.
    language = models.CharField(max_length=16, blank=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    # At the next new password: whether apps keep the access that the user gave them.
    are_apps_kept = False
    # A log-in with the right password may store its hash anew; that is no new password.
    is_upgrading_hash = False

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_lower")]
        # Few: status lists ask for them every few seconds.
        indexes = [models.Index(fields=["id"], name="user_inactive", condition=models.Q(is_active=False))]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Also does what follows from a new address, a new password or another `is_active`; see accounts.changes."""
        from accounts import changes

        self.email = UserManager.normalize_email(self.email)
        fields = kwargs.get("update_fields")
        written = changes.WATCHED if fields is None else changes.WATCHED & set(fields)
        if self._state.adding or not written:
            super().save(*args, **kwargs)
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            rows = type(self)._base_manager.using(using).filter(pk=self.pk).select_for_update()
            stored = rows.values("session_generation", *changes.WATCHED).first()
            if stored is None:
                super().save(*args, **kwargs)
                return
            for name in changes.WATCHED - written:  # not written now, so not changed
                stored[name] = getattr(self, name)
            self.session_generation = stored["session_generation"] + changes.end_browsers(self, stored)
            if fields is not None:
                kwargs["update_fields"] = {*fields, "session_generation"}
            super().save(*args, **kwargs)
            changes.follow(self, stored)

    def check_password(self, raw_password: str | None) -> bool:
        self.is_upgrading_hash = True
        try:
            return super().check_password(raw_password)
        finally:
            self.is_upgrading_hash = False

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        """Django's, and another one for each generation. A browser whose session holds an older one is logged out."""
        hashed: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if not self.session_generation:
            return hashed
        salt = "accounts.User.session_generation"
        return salted_hmac(salt, f"{hashed}{self.session_generation}", secret=secret, algorithm="sha256").hexdigest()

    def speak(self, language: str | None) -> None:
        """From now on mail is in it."""
        if language and language != self.language:
            self.language = language
            self.save(update_fields=["language"])

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class UsedTotpCode(models.Model):
    """The newest code of an authenticator app that a user has used, named by its time step (RFC 6238 §4.2)."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    counter = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.counter)

    @classmethod
    def use(cls, user: User, counter: int) -> bool:
        """Whether this code is newer than every one before. Of two requests at once, one gets True."""
        _row, is_first = cls.objects.get_or_create(user=user, defaults={"counter": counter})
        return is_first or cls.objects.filter(user=user, counter__lt=counter).update(counter=counter) == 1


class TrustedBrowser(models.Model):
    """A browser where the user is asked for no second step for a while; see accounts.trusted_browsers."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_browsers")
    digest = models.CharField(max_length=64, unique=True)
    # Of the password and the second factors when it was trusted: another one ends the trust.
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d}"
