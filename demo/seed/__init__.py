"""What the demo starts with: people, two years of their accounts, one client of each kind.

One way in: `plant(...)`. It adds what is missing and changes nothing that is there. `scale` adds large data to it.
"""

from demo.seed import scale
from demo.seed.plant import plant

__all__ = ["plant", "scale"]
