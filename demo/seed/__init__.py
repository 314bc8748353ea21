"""What the demo starts with: three people, their accounts with history, one client of each kind.

One way in: `plant(...)`. It adds what is missing and changes nothing that is there.
"""

from demo.seed.plant import plant

__all__ = ["plant"]
