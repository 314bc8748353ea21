"""Account information: opening accounts, transaction history, statements, and the export of a user's data. May import
the ledger and what lies below it. Independent of HTTP.
"""
