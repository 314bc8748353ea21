"""The bank API, version 1. Each view names its scopes; `Account.objects.visible_to` decides which accounts a token
sees.

An edge of the bank: it turns requests into calls of the rooms below, and refusals into problem documents. May import
everything below `oversight`, and nothing of the web bank.
"""
