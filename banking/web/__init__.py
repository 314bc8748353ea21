"""The web bank: pages under /bank/, for users in a browser.

An edge of the bank, with the rules of the API: a user sees `Account.objects.of_user`, and money moves by
`banking.payments`, once. May import everything below `oversight`, and nothing of the API.
"""
