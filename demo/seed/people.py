"""Alice and Bob have accounts; the admin has none."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress

from accounts.models import User


@dataclass(frozen=True)
class Income:
    payer: str
    amount_minor: int


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    income: Income | None = None
    is_admin: bool = False


CUSTOMERS = [
    Person("alice@demo.test", "Alice Archer", Income("Northwind Studios Ltd", 318_450)),
    Person("bob@demo.test", "Bob Baker", Income("Harbour Bakery Co-op", 241_900)),
]
ADMIN = Person("admin@demo.test", "Ada Admin", is_admin=True)


def ensure(person: Person, *, password: str) -> User:
    """The user, able to log in at once: the address counts as verified. An existing one keeps its password."""
    user = User.objects.filter(email=person.email).first()
    if user is None:
        create = User.objects.create_superuser if person.is_admin else User.objects.create_user
        user = create(person.email, password, name=person.name)
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user
