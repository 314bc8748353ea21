"""The bank API, version 1. Each view names its scopes; `Account.objects.visible_to` decides which accounts a token may
access.

An edge of the bank: it turns requests into calls of the subpackages below it, and refusals into problem documents. May
import everything below it, but not the web bank.
"""
