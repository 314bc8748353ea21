"""Adds all data in one transaction. An interrupted run leaves nothing, and if two runs start at the same time, only one
adds data.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from demo.seed import accounts, clients, merchants, people, rates
from demo.seed.alone import alone

_LOCK = 0x5EED  # the number of a PostgreSQL advisory lock that no other code of ours takes


def seed(*, password: str, data_dir: Path, now: datetime) -> tuple[int, dict[str, dict[str, Any]]]:
    """Returns the number of users, and the clients with their secrets by client_id. The clients are also written to
    `<data_dir>/clients.json`.
    """
    with alone(_LOCK):
        customers = [(person, people.ensure(person, password=password)) for person in people.CUSTOMERS]
        staff = [people.ensure(person, password=password) for person in (people.ADMIN, people.OFFICER)]
        accounts.ensure(customers, now=now)
        merchants.ensure()
        rates.ensure()
        made = clients.ensure(known=clients.read(data_dir))
    clients.write(data_dir, made)
    return len(customers) + len(staff), made
