"""The user, who logs in with an email. Clients identify the user by a UUID that is never reassigned."""

import unicodedata
import uuid
from functools import cache
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, router, transaction
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from oauth import fast_path
from oauth.fast_path.model_rows import Columns
from oauth.infrastructure.rows import rows

# The fields that clients can read with the scopes profile and email.
PROFILE = frozenset({"name", "email", "language"})


class UserQuerySet(models.QuerySet["User"]):
    def update(self, **values: Any) -> int:
        """Saves row by row if a field of `acts.WATCHED` changes, because accounts.changes compares each user's old and
        new values.
        """
        from accounts.changes import acts

        watched = values.keys() & acts.WATCHED
        if not watched:
            return super().update(**values)
        if any(hasattr(values[name], "resolve_expression") for name in watched):
            raise TypeError(f"Save users one by one to change {', '.join(sorted(watched))}: see accounts.changes.")
        with transaction.atomic(using=self.db):
            users = list(self.select_for_update(of=("self",)))
            for user in users:
                for name in watched:
                    setattr(user, name, values[name])
                user.save(using=self.db, update_fields=watched)
            if others := {name: value for name, value in values.items() if name not in watched}:
                self.model._base_manager.filter(pk__in=[user.pk for user in users]).update(**others)
        return len(users)

    update.alters_data = True  # type: ignore[attr-defined]  # templates must not call it


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # a base class made at run time
    def get(self, *args: Any, **kwargs: Any) -> "User":
        """Reads a user by primary key, as each page does, by prepared SQL instead of a query that the ORM compiles each
        time.
        """
        pk = kwargs.get("pk")
        if args or len(kwargs) != 1 or not isinstance(pk, uuid.UUID) or self._db or not fast_path.is_on():
            found: User = super().get(*args, **kwargs)
            return found
        columns, statement = _by_pk()
        row = rows(statement, [pk])
        if not row:
            raise User.DoesNotExist("User matching query does not exist.")
        return columns.instance(row[0])

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """The email in NFKC and lower case, local part included. Use it before saving and looking up."""
        return unicodedata.normalize("NFKC", email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(email=self.normalize_email(username))
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user must have an email.")
        user: User = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


@cache
def _by_pk() -> tuple[Columns["User"], str]:
    columns = Columns(User, "user_")
    return columns, f"SELECT {columns.sql} FROM {User._meta.db_table} user_ WHERE user_.id = %s"  # noqa: S608


class User(AbstractBaseUser, PermissionsMixin):
    """`id` is the `sub` of tokens. It is random, so it does not even reveal when the user signed up."""

    # ASVS 5.0 10.3.3: a `sub` is never reassigned.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("email", unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(default=True)
    # Each browser session holds a hash of this number, so incrementing it logs out every browser.
    session_generation = models.IntegerField(default=0, db_default=0, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # The language of the last login page, or the one chosen since. Emails that are sent without a page use it.
    language = models.CharField(max_length=16, blank=True, editable=False)
    # An IANA name, from the browser or chosen by the user. Empty means BANK_TIME_ZONE. See accounts.time_zones.
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    # When the user closed the account; see accounts.closing. The row then holds no personal data.
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    # OpenID Connect Core §5.1 `updated_at`: when a field of PROFILE was last saved.
    profile_updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    # Whether apps keep their access when the next password is saved.
    are_apps_kept = False
    # Set while the user ends all access with “This wasn't me”.
    is_being_secured = False
    # Set while a login replaces the hash of an unchanged password.
    is_upgrading_hash = False

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_lower"),
            models.CheckConstraint(
                name="user_closed_is_inactive", condition=models.Q(closed_at=None) | models.Q(is_active=False)
            ),
        ]
        # A small index for the query of the status lists, which reads inactive users every few seconds.
        indexes = [models.Index(fields=["id"], name="user_inactive", condition=models.Q(is_active=False))]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Also applies the effects of a new email, password or `is_active`; see accounts.changes."""
        from accounts.changes import acts

        self.email = UserManager.normalize_email(self.email)
        fields = kwargs.get("update_fields")
        if fields is None or PROFILE & set(fields):
            self.profile_updated_at = timezone.now()
            if fields is not None:
                fields = kwargs["update_fields"] = {*fields, "profile_updated_at"}
        written = acts.WATCHED if fields is None else acts.WATCHED & set(fields)
        if self._state.adding or not written:
            super().save(*args, **kwargs)
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            rows = type(self)._base_manager.using(using).filter(pk=self.pk).select_for_update()
            stored = rows.values("session_generation", *acts.WATCHED).first()
            if stored is None:
                super().save(*args, **kwargs)
                return
            for name in acts.WATCHED - written:  # this save does not write it
                stored[name] = getattr(self, name)
            self.session_generation = stored["session_generation"] + acts.end_browsers(self, stored)
            if fields is not None:
                kwargs["update_fields"] = {*fields, "session_generation"}
            super().save(*args, **kwargs)
            acts.follow(self, stored)

    def set_password(self, raw_password: str | None) -> None:
        """Normalizes the password to NFC, because keyboards encode the same letter differently (NIST SP 800-63B
        §5.1.1.2, RFC 8265 §4.2).
        """
        super().set_password(raw_password and unicodedata.normalize("NFC", raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Also accepts a hash made by an earlier release, which did not normalize passwords."""
        spellings = [raw_password]
        if raw_password and not raw_password.isascii():
            composed = unicodedata.normalize("NFC", raw_password)
            spellings = list(dict.fromkeys([composed, raw_password, unicodedata.normalize("NFD", raw_password)]))
        self.is_upgrading_hash = True
        try:
            return any(super(User, self).check_password(spelling) for spelling in spellings)
        finally:
            self.is_upgrading_hash = False

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        """Django's session auth hash combined with the session generation. A browser session with another hash is
        logged out.
        """
        hashed: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]  # not in the stubs
        if not self.session_generation:
            return hashed
        salt = "accounts.User.session_generation"
        return salted_hmac(salt, f"{hashed}{self.session_generation}", secret=secret, algorithm="sha256").hexdigest()

    def speak(self, language: str | None) -> None:
        """Stores the language of later emails to the user."""
        if language and language != self.language:
            self.language = language
            self.save(update_fields=["language"])

    def adopt_time_zone(self, name: str) -> None:
        """Stores the time zone that a browser reported, unless the user already has one."""
        if name and not self.time_zone:
            self.time_zone = name
            self.save(update_fields=["time_zone"])

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class UsedTotpCode(models.Model):
    """The time step (RFC 6238 §4.2) of the newest code of an authenticator app that the user has used."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    counter = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.counter)

    @classmethod
    def use(cls, user: User, counter: int) -> bool:
        """Marks a code as used. Returns whether it is newer than all used codes; of two concurrent requests, only one
        gets True.
        """
        _row, is_first = cls.objects.get_or_create(user=user, defaults={"counter": counter})
        return is_first or cls.objects.filter(user=user, counter__lt=counter).update(counter=counter) == 1


class NewEmail(models.Model):
    """A request by staff to change a user's email, which another member of staff must approve
    (accounts.addresses.new_email). Kept after the decision for auditors.
    """

    # No foreign key constraints: the previous release lacks this table, and must be able to delete users.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="new_emails", db_constraint=False)
    email = models.EmailField()
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_constraint=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    is_approved = models.BooleanField(default=False)

    class Meta:
        verbose_name = "new email"
        default_permissions = ()  # staff need the permissions to view and change users
        constraints = [
            models.CheckConstraint(
                name="new_email_needs_two",
                condition=models.Q(is_approved=False) | ~models.Q(decided_by=models.F("asked_by")),
            ),
            models.UniqueConstraint(
                name="new_email_once_at_a_time", fields=["user"], condition=models.Q(decided_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.email


class FormerUser(models.Model):
    """The identity of a user who has closed their account, kept if the law requires it; see accounts.closing."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="former_user")
    email = models.EmailField()
    name = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["closed_at"], name="former_user_closed")]

    def __str__(self) -> str:
        return self.email


class TrustedBrowser(models.Model):
    """A browser in which a login needs no second factor for a while; see accounts.browsers.trusted_browsers."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_browsers")
    digest = models.CharField(max_length=64, unique=True)
    # A hash of the password and the second factors. When it changes, the trust ends.
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d}"
