"""Currency exchange between a user's own accounts: the bank quotes a rate (`quote`), and the user accepts it before it
expires (`exchange`).

An exchange is two transactions, one in each currency, through the bank's own account of each. They are posted together
and never reversed. Independent of HTTP. May import `payments` and what lies below it.
"""

from banking.exchanges.execution import exchange
from banking.exchanges.quotes import Wanted, quote
from banking.exchanges.rates import exchangeable, is_outdated, set_rate

__all__ = ["Wanted", "exchange", "exchangeable", "is_outdated", "quote", "set_rate"]
