"""The web bank: pages for people, under /bank/. The rules are the API's: what somebody sees is `Account.objects.of`,
money moves through banking.payments, once."""
