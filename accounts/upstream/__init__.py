"""Log-in through identity providers of others, by OpenID Connect; registered in the admin (social applications).

Who somebody is there is (`iss`, `sub`), never a name or an address, which change hands (allauth CVE-2025-65431):

1. A known (`iss`, `sub`) logs in to the account it is connected to.
2. An unknown one makes a new account. Its address is confirmed by our own mail, unless the provider says that it is
   verified and its registration here names the address's domain in `verified_email`.
3. Where the address belongs to an account already, nothing is connected and nobody is let in: the owner gets a mail,
   logs in, and connects the provider on the security page. A provider that lies about addresses takes over nobody.

What it asks of the provider goes through `oauth.infrastructure.outbound`. allauth does the rest.
"""
