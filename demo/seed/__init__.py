"""The demo's first data: users, two years of their accounts, one client of each kind.

Its only public function is `seed(...)`, which adds missing objects and changes no existing ones. `scale` adds large
amounts of data.
"""

from demo.seed import scale
from demo.seed.seeding import seed

__all__ = ["scale", "seed"]
