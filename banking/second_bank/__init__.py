"""A simulated second bank, for the demo and for a sandbox that partners test with. Must not run with real money.
`SecondBank` is the adapter of a payment scheme. What it does with a payment depends on the amount (`amounts`), so a
test gets the same answer each time; `pay_in` pays into an account here, and `collect` collects from one. It has its own
tables, as another bank would. May import `direct_debits`, `payments` and what lies below them.
"""

from banking.second_bank.adapter import SecondBank
from banking.second_bank.collecting import collect
from banking.second_bank.messages import DELIVER, deliver, deliver_due
from banking.second_bank.paying_in import pay_in
from banking.second_bank.sandbox import NotASandbox, require_sandbox

__all__ = ["DELIVER", "NotASandbox", "SecondBank", "collect", "deliver", "deliver_due", "pay_in", "require_sandbox"]
