"""How amounts, account numbers and times are written and read. Uses no database, and imports nothing else of the
bank.
"""
