"""How amounts and account numbers are written and read. No database; imports nothing of the bank."""
