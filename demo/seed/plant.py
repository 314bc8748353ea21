"""Everything in one transaction: a seed that was interrupted left nothing, two at once do it once."""

from datetime import datetime
from pathlib import Path
from typing import Any

from demo.seed import accounts, clients, merchants, people, rates
from demo.seed.alone import alone

_LOCK = 0x5EED  # of PostgreSQL's advisory locks; no other code of ours takes one with this number


def plant(*, password: str, data_dir: Path, now: datetime) -> tuple[int, dict[str, dict[str, Any]]]:
    """How many people there are, and the clients, by client_id, with their secrets: also written to
    `<data_dir>/clients.json`."""
    with alone(_LOCK):
        customers = [(person, people.ensure(person, password=password)) for person in people.CUSTOMERS]
        staff = [people.ensure(person, password=password) for person in (people.ADMIN, people.OFFICER)]
        accounts.ensure(customers, now=now)
        merchants.ensure()
        rates.ensure()
        made = clients.ensure(known=clients.read(data_dir))
    clients.write(data_dir, made)
    return len(customers) + len(staff), made
