"""The users of the demo: five customers, an admin with all permissions, and a member of the bank's staff."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission

from accounts.models import User
from demo.seed import places
from demo.seed.places import Place


@dataclass(frozen=True)
class Income:
    payer: str
    amount_minor: int


@dataclass(frozen=True)
class Person:
    """`travels` is a place where the user pays from an account in its currency. `shares` is the other holder of a joint
    account.
    """

    email: str
    name: str
    income: Income | None = None
    home: Place = places.MILL_LANE
    travels: tuple[str, Place] | None = None
    shares: str = ""


CUSTOMERS = [
    Person(
        "alice@demo.test",
        "Alice Archer",
        Income("Northwind Studios Ltd", 318_450),
        travels=("Holiday euros", places.ALPS),
    ),
    Person(
        "bob@demo.test", "Bob Baker", Income("Harbour Bakery Co-op", 241_900), travels=("Holiday euros", places.ALPS)
    ),
    Person(
        "carol@demo.test",
        "Carol Castle",
        Income("Quarry Hill School", 268_700),
        home=places.SHARED_FLAT,
        travels=("Tokyo yen", places.TOKYO),
        shares="dan@demo.test",
    ),
    Person("dan@demo.test", "Dan Dawson", Income("Tidewater Ferries", 229_300), home=places.SHARED_FLAT),
    Person("erin@demo.test", "Erin Estève", Income("Atelier Confluence", 254_000), home=places.LYON),
]
ADMIN = Person("admin@demo.test", "Ada Admin")
#: The second member of staff for approvals. She may view the bank, freeze accounts, and request and approve changes.
OFFICER = Person("officer@demo.test", "Olga Officer")
STAFF = "Bank officers"


def ensure(person: Person, *, password: str) -> User:
    """Creates the user with a verified email address, so that login works immediately. An existing user keeps the
    password.
    """
    user: User | None = User.objects.filter(email=person.email).first()
    if user is None:
        create = User.objects.create_superuser if person is ADMIN else User.objects.create_user
        user = create(person.email, password, name=person.name, is_staff=person in (ADMIN, OFFICER))
        if person is OFFICER:
            user.groups.add(_staff())
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def _staff() -> Group:
    group, is_new = Group.objects.get_or_create(name=STAFF)
    if is_new:
        rights = Permission.objects.filter(content_type__app_label="banking")
        group.permissions.set(rights.exclude(codename__regex="^(add|change|delete)_"))
    return group
