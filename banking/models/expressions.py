"""SQL expressions that Django does not have."""

from django.db.models import BooleanField, Func


class IsOneOf(Func):
    """The condition that a value is in an array. Unlike `__in`, the SQL is the same for any number of values."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()
