"""The permissions that users give apps at the bank: authorization details (RFC 9396), and the apps behind payment
orders. May import the ledger and what lies below it.
"""
