"""What users allow apps to do at the bank: the details of an authorization request (RFC 9396), and the apps behind
payment orders. May import the models and `notation`."""
