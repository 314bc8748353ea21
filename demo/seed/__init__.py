"""The demo's first data: users, two years of their accounts, one client of each kind.

Others call only `plant(...)`. It adds missing objects and changes no existing ones. `scale` adds large data.
"""

from demo.seed import scale
from demo.seed.plant import plant

__all__ = ["plant", "scale"]
