"""Two tables (multi-table inheritance), names that must be quoted, an email as the key, no column `is_active`, and
fields of the kinds that encrypt a value or give it a class of its own."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class Reversed(models.TextField):
    """As an encrypted field does, stores something else than the attribute."""

    def from_db_value(self, value, expression, connection):
        return value[::-1]

    def get_prep_value(self, value):
        return value[::-1]


class Phone(str):
    __slots__ = ()

    @property
    def digits(self):
        return "".join(one for one in self if one.isdigit())


class PhoneAttribute:
    """The attribute of a field of django-phonenumber-field."""

    def __init__(self, field):
        self.name = field.attname

    def __get__(self, instance, owner=None):
        return self if instance is None else vars(instance)[self.name]

    def __set__(self, instance, value):
        vars(instance)[self.name] = Phone(value)


class PhoneField(models.CharField):
    descriptor_class = PhoneAttribute


class Party(models.Model):
    email = models.EmailField(primary_key=True, db_column="Mail")
    name = Reversed()

    class Meta:
        db_table = "Parties of the Shop"

    def __str__(self):
        return self.email


class Members(BaseUserManager):
    def create_user(self, email, password, **fields):
        member = self.model(email=email, **fields)
        member.set_password(password)
        member.save()
        return member


class Member(Party, AbstractBaseUser, PermissionsMixin):
    phone = PhoneField(max_length=40)
    blocked_at = models.DateTimeField(null=True)
    objects = Members()
    USERNAME_FIELD = "email"
    is_staff = True

    class Meta:
        db_table = "Members"

    def __str__(self):
        return self.email

    @property
    def is_active(self):
        return self.blocked_at is None


def claims(member, scopes):
    return {"name": member.name, "given_name": member.phone.digits}
