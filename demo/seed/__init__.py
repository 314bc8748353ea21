"""The demo's first data: users, two years of their accounts, one client of each kind.

Others call only `seed(...)`. It adds missing objects and changes no existing ones. `scale` adds large data.
"""

from demo.seed import scale
from demo.seed.seeding import seed

__all__ = ["scale", "seed"]
