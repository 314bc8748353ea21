"""The web bank: pages under /bank/, for users in a browser.

An edge of the bank with the same rules as the API: a user sees the accounts of `Account.objects.of_user`, and
`banking.payments` makes each payment once. May import everything below it, but not the API.
"""
